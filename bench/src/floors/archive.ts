const BLOCK = 512
const MODIFIED_AT = 1_700_000_000

export interface ArchiveFile {
  /** At most 100 bytes. */
  readonly path: string
  readonly size: number
  readonly content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`
}

function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(path, 0, 100)
  block.write(octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(size, 12) + octal(MODIFIED_AT, 12), 100, 'latin1')
  block.write(`        0`, 148, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** The plainest archive of files that `tar` reads, as a stream of pieces of at least 64 KiB. */
export async function* archiveOf(files: Iterable<ArchiveFile>): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = []
  let held = 0
  function* push(bytes: Uint8Array): Generator<Uint8Array> {
    pieces.push(bytes)
    held += bytes.length
    if (held < 65_536) return
    yield pieces.length === 1 ? bytes : Buffer.concat(pieces)
    pieces = []
    held = 0
  }
  for (const { path, size, content } of files) {
    yield* push(header(path, size))
    for await (const bytes of content) yield* push(bytes)
    if (size % BLOCK > 0) yield* push(Buffer.alloc(BLOCK - (size % BLOCK)))
  }
  yield* push(Buffer.alloc(2 * BLOCK))
  if (held > 0) yield Buffer.concat(pieces)
}
