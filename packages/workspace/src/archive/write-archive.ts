import { archiveInvalid } from './archive-errors.ts'
import { BLOCK } from './header.ts'
import { type PackMember, showBytes } from './member.ts'

/** Small pieces are joined to chunks of this size, larger ones pass as they are. */
const CHUNK = 128 * 1024
const LARGE = 32 * 1024
const FLAGS = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const
const MAX_OCTAL_SIZE = 0o77777777777
const LONG_LINK = Buffer.from('././@LongLink')

function octal(block: Buffer, value: number, at: number, length: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1')
}

/** Numbers that have too many octal digits are binary, as GNU tar and busybox do it. */
function sizeField(block: Buffer, value: number): void {
  if (value <= MAX_OCTAL_SIZE) return octal(block, value, 124, 12)
  block.writeBigUInt64BE(BigInt(value), 128)
  block[124] = 0x80
}

interface HeaderFields {
  readonly name: Buffer
  readonly link: Buffer
  readonly mode: number
  readonly size: number
  readonly modifiedAt: number
  readonly flag: string
}

function headerBlock({ name, link, mode, size, modifiedAt, flag }: HeaderFields): Buffer {
  const block = Buffer.alloc(BLOCK)
  name.copy(block, 0, 0, 100)
  octal(block, mode & 0o7777, 100, 8)
  octal(block, 0, 108, 8)
  octal(block, 0, 116, 8)
  sizeField(block, size)
  octal(block, Math.min(Math.max(0, Math.floor(modifiedAt)), MAX_OCTAL_SIZE), 136, 12)
  block.write('        ', 148, 'latin1')
  block.write(flag, 156, 'latin1')
  link.copy(block, 157, 0, 100)
  block.write('ustar  \0', 257, 'latin1')
  let sum = 0
  for (let at = 0; at < BLOCK; at++) sum += block[at] ?? 0
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

const pad = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)

/** A GNU long name: a member of its own before the real one. Both GNU tar and busybox know it, busybox knows no other. */
function longName(flag: 'L' | 'K', name: Buffer): Buffer[] {
  const content = Buffer.concat([name, Buffer.alloc(1)])
  const header = headerBlock({ name: LONG_LINK, link: Buffer.alloc(0), mode: 0o644, size: content.length, modifiedAt: 0, flag })
  return [header, content, pad(content.length)]
}

function headersOf(member: PackMember): Buffer[] {
  const { path, type, mode, modifiedAt, size, target } = member
  if (path.length === 0) throw archiveInvalid('a member has no path')
  const name = type === 'directory' ? Buffer.concat([path, Buffer.from('/')]) : path
  const blocks: Buffer[] = []
  if (target.length > 100) blocks.push(...longName('K', target))
  if (name.length > 100) blocks.push(...longName('L', name))
  blocks.push(headerBlock({ name, link: target, mode, size: type === 'file' ? size : 0, modifiedAt, flag: FLAGS[type] }))
  return blocks
}

/** Joins small pieces. A chunk that was given away is never written to again. */
function joiner(): { add(piece: Uint8Array): Buffer | undefined; flush(): Buffer | undefined } {
  let chunk = Buffer.allocUnsafe(CHUNK)
  let used = 0
  const flush = (): Buffer | undefined => {
    if (used === 0) return undefined
    const full = chunk.subarray(0, used)
    chunk = Buffer.allocUnsafe(CHUNK)
    used = 0
    return full
  }
  return {
    flush,
    /** `piece` has at most {@link LARGE} bytes. */
    add(piece) {
      const full = used + piece.length > CHUNK ? flush() : undefined
      chunk.set(piece, used)
      used += piece.length
      return full
    },
  }
}

async function* contentOf(member: PackMember): AsyncGenerator<Uint8Array> {
  let left = member.size
  const content = member.content instanceof Uint8Array ? [member.content] : (member.content ?? [])
  for await (const piece of content) {
    left -= piece.length
    if (left < 0) break
    yield piece
  }
  if (left !== 0) throw archiveInvalid(`the content of "${showBytes(member.path)}" does not have the "${member.size}" bytes of its header`)
}

/**
 * Writes a tar archive in the GNU format, which GNU tar, busybox and bsdtar read. It pulls: a slow reader slows the source.
 * Owners are left out: what is unpacked belongs to who unpacks it.
 *
 * @throws `archive.invalid` when a content does not have the length of its header; what the source throws.
 */
export async function* writeArchive(members: AsyncIterable<PackMember> | Iterable<PackMember>): AsyncGenerator<Uint8Array> {
  const join = joiner()
  function* put(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
    for (const piece of pieces) {
      if (piece.length > LARGE) {
        const before = join.flush()
        if (before) yield before
        yield piece
      } else {
        const full = join.add(piece)
        if (full) yield full
      }
    }
  }
  for await (const member of members) {
    yield* put(headersOf(member))
    if (member.type !== 'file' || member.size === 0) continue
    if (member.content instanceof Uint8Array && member.content.length === member.size) yield* put([member.content])
    else for await (const piece of contentOf(member)) yield* put([piece])
    yield* put([pad(member.size)])
  }
  yield* put([Buffer.alloc(2 * BLOCK)])
  const last = join.flush()
  if (last) yield last
}
