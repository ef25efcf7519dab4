import { posix } from 'node:path'

const BLOCK = 512
const FILE = '0'
const FOLDER = '5'

/** A folder, or a file with content. The engine gives it to its owner, with rights that nobody inside has. */
export interface Member {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly content?: string
}

/** An archive of a few small members, to be unpacked into a folder above them. */
export function archiveOf(folder: string, members: readonly Member[]): Buffer {
  return Buffer.concat([...members.flatMap((one) => blocksOf(folder, one)), Buffer.alloc(2 * BLOCK)])
}

function blocksOf(folder: string, { path, mode, uid, gid, content }: Member): Buffer[] {
  const header = Buffer.alloc(BLOCK)
  const body = Buffer.from(content ?? '')
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')
  const type = content === undefined ? FOLDER : FILE
  // The folder itself is "/".
  header.write(posix.relative(folder, path) + (type === FOLDER ? '/' : ''), 0, 'latin1')
  header.write(
    `${octal(mode, 7)}\0${octal(uid, 7)}\0${octal(gid, 7)}\0${octal(body.length, 11)}\0${octal(0, 11)}\0        ${type}`,
    100,
    'latin1',
  )
  header.write('ustar\x0000', 257, 'latin1')
  let sum = 0
  for (const byte of header) sum += byte
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return [header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]
}

/** A file of an archive that came from the engine. */
export interface Unpacked {
  /** Without the folders above it. */
  readonly name: string
  /** When it was last written, in seconds since 1970. */
  readonly modifiedAt: number
  readonly content: string
}

/** The files of an archive; whatever else is in it is passed over. */
export function filesOf(archive: Buffer): Unpacked[] {
  const files: Unpacked[] = []
  for (let start = 0; start + BLOCK <= archive.length; ) {
    const header = archive.subarray(start, start + BLOCK)
    const text = (from: number, to: number): string => header.toString('latin1', from, to).replace(/\0.*$/s, '')
    const size = Number.parseInt(text(124, 136), 8) || 0
    const body = archive.subarray(start + BLOCK, start + BLOCK + size)
    if (header.toString('latin1', 156, 157) === FILE)
      files.push({
        name: text(0, 100).replace(/^.*\//, ''),
        modifiedAt: Number.parseInt(text(136, 148), 8),
        content: body.toString('utf8'),
      })
    start += BLOCK + Math.ceil(size / BLOCK) * BLOCK
  }
  return files
}
