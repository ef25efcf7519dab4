const BLOCK = 512

export interface Folder {
  readonly name: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** An archive of folders, which gives them their owners: the engine unpacks it with rights that nobody inside has. */
export function folderArchive(folders: readonly Folder[]): Buffer {
  return Buffer.concat([...folders.map(folderHeader), Buffer.alloc(2 * BLOCK)])
}

function folderHeader({ name, mode, uid, gid }: Folder): Buffer {
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')
  header.write(name, 0, 'latin1')
  header.write(`${octal(mode, 7)}\0${octal(uid, 7)}\0${octal(gid, 7)}\0${octal(0, 11)}\0${octal(0, 11)}\0        5`, 100, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  let sum = 0
  for (const byte of header) sum += byte
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return header
}

/** The content of the first file of an archive; `undefined` when there is none. */
export function firstFile(archive: Buffer): Buffer | undefined {
  for (let start = 0; start + BLOCK <= archive.length; ) {
    const header = archive.subarray(start, start + BLOCK)
    const size = Number.parseInt(header.toString('latin1', 124, 136), 8) || 0
    const from = start + BLOCK
    if (header[156] === 0x30) return archive.subarray(from, from + size)
    start = from + Math.ceil(size / BLOCK) * BLOCK
  }
  return undefined
}
