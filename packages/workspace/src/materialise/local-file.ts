import { type BigIntStats, closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { type PackMember, packMember, showBytes } from '../archive/index.ts'
import { sourceError, sourceRefused } from './source-error.ts'

/** Files up to this size are read at once, which is several times faster for trees of small ones. */
const SMALL = 1024 * 1024
const PIECE = 256 * 1024
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const show = (path: string | Buffer): string => (typeof path === 'string' ? path : showBytes(path))

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

function changed(path: string | Buffer): Error {
  return sourceRefused(show(path), 'it changed while it was read', 'Wait until it is not written to any more.')
}

/** Looks at an open file: it must be a regular one, and be where it was looked for when `real` is given. */
function check(fd: number, path: string | Buffer, real: Buffer | undefined): BigIntStats {
  const stat = fstatSync(fd, { bigint: true })
  if (!stat.isFile()) throw sourceRefused(show(path), stat.isDirectory() ? 'it is a folder' : 'it is no regular file')
  // A folder above it may have been exchanged for a link; the system tells where the file really is, where it can.
  if (real && process.platform === 'linux' && !readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).equals(real)) throw changed(path)
  return stat
}

function readAll(fd: number, size: number, path: string | Buffer): Buffer {
  const content = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; ) {
    const read = readSync(fd, content, at, size - at, at)
    if (read === 0) throw changed(path)
    at += read
  }
  return content
}

/** The content of a large file, opened again: it must be the same as before, and stay so. */
async function* pieces(path: string | Buffer, before: BigIntStats): AsyncGenerator<Uint8Array> {
  const file = await open(path, FLAGS).catch((error: unknown) => {
    throw sourceError(show(path), error)
  })
  try {
    if (!sameFile(before, await file.stat({ bigint: true }))) throw changed(path)
    const size = Number(before.size)
    for (let at = 0; at < size; ) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE), 0, Math.min(PIECE, size - at), at)
      if (bytesRead === 0) throw changed(path)
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
    if (!sameFile(before, await file.stat({ bigint: true }))) throw changed(path)
  } finally {
    await file.close()
  }
}

export interface LocalFileOptions {
  /** Where it goes. */
  readonly target: string | Buffer
  /** Default: that of the file. */
  readonly mode?: number | undefined
  /** Its path without any link, when a link above it is refused too. */
  readonly real?: Buffer | undefined
}

/**
 * Reads a file of this machine as a member.
 *
 * @throws `source.not-found`, `source.refused` for a link, for what is no regular file, and for one that changes meanwhile.
 */
export function localFileMember(path: string | Buffer, { target, mode, real }: LocalFileOptions): PackMember {
  let fd: number
  try {
    fd = openSync(path, FLAGS)
  } catch (error) {
    throw sourceError(show(path), error)
  }
  try {
    const stat = check(fd, path, real)
    const size = Number(stat.size)
    const common = { mode: mode ?? Number(stat.mode & 0o777n), modifiedAt: Number(stat.mtimeNs / 1_000_000_000n), size }
    if (size > SMALL) return packMember(target, 'file', { ...common, content: pieces(path, stat) })
    const content = readAll(fd, size, path)
    if (!sameFile(stat, fstatSync(fd, { bigint: true }))) throw changed(path)
    return packMember(target, 'file', { ...common, content })
  } finally {
    closeSync(fd)
  }
}

/** Throws what {@link localFileMember} would throw for what can be known without reading. */
export function checkLocalFile(path: string): void {
  let fd: number
  try {
    fd = openSync(path, FLAGS)
  } catch (error) {
    throw sourceError(path, error)
  }
  try {
    check(fd, path, undefined)
  } finally {
    closeSync(fd)
  }
}
