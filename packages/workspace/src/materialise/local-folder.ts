import { closeSync, constants, type Dirent, fstatSync, openSync, readdirSync, readlinkSync, type Stats } from 'node:fs'
import { showBytes } from '../archive/index.ts'
import { sourceChanged, sourceError } from './source-error.ts'

/** A folder of this machine. On Linux it is held open: what is reached through it lies in it, whatever its path leads to meanwhile. */
export interface LocalFolder {
  /** Of the folder itself. */
  readonly stat: Stats
  /** What is in it, in the order of the bytes of the names. */
  readonly entries: readonly Dirent<Buffer>[]
  /** By which something in it is opened. */
  pathOf(name: Buffer): Buffer
  close(): void
}

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Opens a folder.
 *
 * @param path how it is reached; a link is refused.
 * @param name for errors.
 * @param real its path without any link, where nothing else says that it is the right one.
 * @throws `source.not-found`, `source.refused`
 */
export function openFolder(path: Buffer, name: Buffer, real?: Buffer): LocalFolder {
  let fd: number | undefined
  try {
    fd = openSync(path, FLAGS)
    const held = process.platform === 'linux' ? `/proc/self/fd/${fd}` : undefined
    if (held && real && !readlinkSync(held, { encoding: 'buffer' }).equals(real)) throw sourceChanged(showBytes(name))
    const begin = Buffer.concat([held ? Buffer.from(held) : path, Buffer.from('/')])
    const entries = readdirSync(begin, { encoding: 'buffer', withFileTypes: true }).sort((a, b) => Buffer.compare(a.name, b.name))
    const open = fd
    return {
      stat: fstatSync(fd),
      entries,
      pathOf: (inner) => Buffer.concat([begin, inner]),
      close: () => closeSync(open),
    }
  } catch (error) {
    if (fd !== undefined) closeSync(fd)
    throw sourceError(showBytes(name), error)
  }
}
