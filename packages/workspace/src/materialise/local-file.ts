import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { type PackMember, packMember, showBytes } from '../archive/index.ts'
import { sourceChanged, sourceError, sourceRefused } from './source-error.ts'

/** Files up to this size are read at once, which is several times faster for trees of small ones. */
const SMALL = 1024 * 1024
const PIECE = 256 * 1024
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

const show = (path: string | Buffer): string => (typeof path === 'string' ? path : showBytes(path))

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

/** Looks at an open file, which must be a regular one. */
function check(fd: number, name: string): BigIntStats {
  const stat = fstatSync(fd, { bigint: true })
  if (!stat.isFile()) throw sourceRefused(name, stat.isDirectory() ? 'it is a folder' : 'it is no regular file')
  return stat
}

function readAll(fd: number, size: number, name: string): Buffer {
  const content = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; ) {
    const read = readSync(fd, content, at, size - at, at)
    if (read === 0) throw sourceChanged(name)
    at += read
  }
  return content
}

/**
 * The content of a large file, opened again: it must be the same as before, and stay so. There are two buffers: a piece holds until
 * the one after the next is asked for.
 */
async function* pieces(path: string | Buffer, name: string, before: BigIntStats): AsyncGenerator<Uint8Array> {
  const file = await open(path, FLAGS).catch((error: unknown) => {
    throw sourceError(name, error)
  })
  try {
    if (!sameFile(before, await file.stat({ bigint: true }))) throw sourceChanged(name)
    const size = Number(before.size)
    let [buffer, other] = [Buffer.allocUnsafeSlow(PIECE), Buffer.allocUnsafeSlow(PIECE)]
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE, size - at), at)
      if (bytesRead === 0) throw sourceChanged(name)
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
      ;[buffer, other] = [other, buffer]
    }
    if (!sameFile(before, await file.stat({ bigint: true }))) throw sourceChanged(name)
  } finally {
    await file.close()
  }
}

export interface LocalFileOptions {
  /** Where it goes. */
  readonly target: string | Buffer
  /** Default: that of the file. */
  readonly mode?: number | undefined
  /** For errors. Default: the path. */
  readonly name?: Buffer | undefined
}

/**
 * Reads a file of this machine as a member. The content of a large one is read when it is asked for, by the same path.
 *
 * @throws `source.not-found`, `source.refused` for a link, for what is no regular file, and for one that changes meanwhile.
 */
export function localFileMember(path: string | Buffer, { target, mode, name: shown }: LocalFileOptions): PackMember {
  const name = show(shown ?? path)
  const fd = openFile(path, name)
  try {
    const stat = check(fd, name)
    const size = Number(stat.size)
    const common = { mode: mode ?? Number(stat.mode & 0o777n), modifiedAt: Number(stat.mtimeNs / 1_000_000_000n), size }
    if (size > SMALL) return packMember(target, 'file', { ...common, content: pieces(path, name, stat) })
    const content = readAll(fd, size, name)
    if (!sameFile(stat, fstatSync(fd, { bigint: true }))) throw sourceChanged(name)
    return packMember(target, 'file', { ...common, content })
  } finally {
    closeSync(fd)
  }
}

function openFile(path: string | Buffer, name: string): number {
  try {
    return openSync(path, FLAGS)
  } catch (error) {
    throw sourceError(name, error)
  }
}

/** Throws what {@link localFileMember} would throw for what can be known without reading. */
export function checkLocalFile(path: string): void {
  const fd = openFile(path, path)
  try {
    check(fd, path)
  } finally {
    closeSync(fd)
  }
}
