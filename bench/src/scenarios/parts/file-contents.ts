import { expect, timed } from '../../timing.ts'

export const NAME = 'data.bin'

/** Reads a file whole. */
export function reading(bytes: Buffer, read: () => Promise<Uint8Array>): () => Promise<number> {
  return async () => {
    let found: Uint8Array | undefined
    const ms = await timed(async () => {
      found = await read()
    })
    expect(found !== undefined && bytes.equals(found), 'other bytes were read')
    return ms
  }
}

export interface Writing {
  readonly write: () => Promise<void>
  readonly readBack: () => Promise<Uint8Array>
  readonly remove: () => Promise<void>
}

/** Writes a file, and reads it back outside of the figure; a new one is removed for the next round. */
export function writing(bytes: Buffer, isNew: boolean, { write, readBack, remove }: Writing): () => Promise<number> {
  return async () => {
    const ms = await timed(write)
    expect(bytes.equals(await readBack()), 'other bytes were written')
    if (isNew) await remove()
    return ms
  }
}

const PIECE = 262_144

/** The same bytes, piece by piece. */
export function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

/** A line of a source file, 1 KiB of them. */
export const TEXT = Buffer.from('a line of a source file\n'.repeat(50).slice(0, 1024))
