import { type Clock, systemClock } from '@ringfence/core'
import { archiveInvalid, archiveLimit } from './archive-errors.ts'
import { type ByteSource, byteSource } from './byte-source.ts'
import { type Extended, parseRecords, setLongName } from './extended.ts'
import { BLOCK, isZeroBlock, parseHeader, type RawHeader } from './header.ts'
import type { Member, MemberType } from './member.ts'
import { MAX_PATH_BYTES, memberPath, treeRules } from './member-rules.ts'

export interface ArchiveLimits {
  /** Bytes of the archive as it comes. Default 64 GiB. */
  readonly maxBytes?: number | undefined
  /** Default 5 million. */
  readonly maxMembers?: number | undefined
  /** Milliseconds that the source may be silent. Default 120,000. */
  readonly stallMs?: number | undefined
}

export interface ReadArchiveOptions {
  readonly limits?: ArchiveLimits | undefined
  /** Default: the clock of the machine. */
  readonly clock?: Clock | undefined
  readonly signal?: AbortSignal | undefined
  /** Several archives one after another are taken as one. Default false: what follows the end is refused. */
  readonly concatenated?: boolean | undefined
}

const DEFAULT_MAX_BYTES = 64 * 2 ** 30
const DEFAULT_MAX_MEMBERS = 5_000_000
const DEFAULT_STALL_MS = 120_000
/** Of an extended header. */
const MAX_RECORDS_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)
const TYPES: Readonly<Record<string, MemberType>> = { '0': 'file', '\0': 'file', '1': 'hardlink', '2': 'symlink', '5': 'directory' }
const REFUSED: Readonly<Record<string, string>> = { '3': 'device', '4': 'device', '6': 'FIFO', '7': 'contiguous file', S: 'sparse file' }

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK

async function takeAll(source: ByteSource, length: number): Promise<Buffer> {
  const bytes = await source.take(length)
  if (!bytes && length > 0) throw archiveInvalid('it is cut between a header and its content')
  return bytes ?? NOTHING
}

/** Reads an extended header into what is known of the next member. */
async function readExtended(source: ByteSource, header: RawHeader, into: Extended): Promise<void> {
  const longest = header.flag === 'x' ? MAX_RECORDS_BYTES : MAX_PATH_BYTES + 1
  if (header.size > longest) throw archiveInvalid(`an extended header has more than ${longest} bytes`)
  const content = (await takeAll(source, header.size + padding(header.size))).subarray(0, header.size)
  if (header.flag === 'x') parseRecords(content, into)
  else setLongName(into, header.flag === 'L' ? 'L' : 'K', content)
}

function memberOf(header: RawHeader, extended: Extended): Omit<Member, 'content'> {
  const type = TYPES[header.flag]
  if (!type) throw archiveInvalid(`it holds a ${REFUSED[header.flag] ?? `member of the unknown type ${JSON.stringify(header.flag)}`}`)
  const size = extended.size ?? header.size
  if (type !== 'file' && size !== 0) throw archiveInvalid(`a ${type} has content`)
  const raw = extended.link ?? header.link
  const link = type === 'symlink' || type === 'hardlink'
  if (link && raw.length === 0) throw archiveInvalid('a link leads nowhere')
  if (raw.length >= MAX_PATH_BYTES) throw archiveInvalid('the target of a link is longer than a path can be')
  return {
    path: memberPath(extended.path ?? header.name, type === 'directory'),
    type,
    mode: header.mode,
    modifiedAt: extended.modifiedAt ?? header.modifiedAt,
    size,
    target: type === 'hardlink' ? memberPath(raw, false) : link ? raw : NOTHING,
  }
}

/** What is left of a member's content, with its padding. */
interface Body {
  readonly content: AsyncIterable<Uint8Array>
  skip(): Promise<void>
}

function bodyOf(source: ByteSource, size: number): Body {
  let left = size
  async function* content(): AsyncGenerator<Uint8Array> {
    while (left > 0) {
      const piece = await source.some(left)
      left -= piece.length
      yield piece
    }
  }
  return {
    content: content(),
    async skip() {
      while (left > 0) left -= (await source.some(left)).length
      await takeAll(source, padding(size))
    },
  }
}

/** The next header that is none of zeros; `undefined` at the end of the archive. */
async function nextHeader(source: ByteSource, concatenated: boolean): Promise<RawHeader | undefined> {
  let zeros = 0
  for (;;) {
    const block = await source.take(BLOCK)
    if (!block) {
      if (zeros === 0) throw archiveInvalid('it is cut: its end is missing')
      return undefined
    }
    if (isZeroBlock(block)) zeros++
    else if (zeros > 0 && !concatenated) throw archiveInvalid('something follows its end')
    else return parseHeader(block)
  }
}

/**
 * Reads a tar archive as hostile data: the POSIX and GNU formats, strictly. Nothing is extracted, links are data, paths
 * are bytes. It reads to the end of the source, whose rest may hold zeros alone.
 *
 * @throws `archive.invalid` (malformed, cut or silent; a path that is absolute, has `..`, came before or lies below
 * a non-directory; a hard link to anything but a file before it; a device, FIFO or sparse file), `archive.limit`, what the
 * source throws, the reason of the signal.
 */
export async function* readArchive(input: AsyncIterable<Uint8Array>, options: ReadArchiveOptions = {}): AsyncGenerator<Member> {
  const { clock = systemClock, signal, concatenated = false } = options
  const { maxBytes = DEFAULT_MAX_BYTES, maxMembers = DEFAULT_MAX_MEMBERS, stallMs = DEFAULT_STALL_MS } = options.limits ?? {}
  const source = byteSource(input, { clock, maxBytes, stallMs, signal })
  const rules = treeRules()
  let members = 0
  try {
    let extended: Extended = {}
    for (;;) {
      const header = await nextHeader(source, concatenated)
      if (!header) {
        if (Object.keys(extended).length > 0) throw archiveInvalid('it ends with a header that belongs to no member')
        return
      }
      if (header.flag === 'x' || header.flag === 'L' || header.flag === 'K') {
        await readExtended(source, header, extended)
        continue
      }
      const member = memberOf(header, extended)
      extended = {}
      if (++members > maxMembers) throw archiveLimit('maxMembers', maxMembers)
      // Each of several archives may name the root again.
      if (member.path.length > 0 || !concatenated) rules.add(member.path, member.type)
      if (member.type === 'hardlink') rules.checkHardLink(member.target)
      const body = bodyOf(source, member.size)
      yield { ...member, content: body.content }
      await body.skip()
    }
  } finally {
    await source.close()
  }
}
