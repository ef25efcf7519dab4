import { isRingfenceError, systemClock } from '@ringfence/core'
import { type ByteSource, byteSource } from '../archive/index.ts'
import { gitFailed, startGit } from './git-run.ts'

/** A blob as it stands in its repository: no filter has touched it. */
export interface Blob {
  readonly size: number
  /** Large ones stream; they are read before the next blob is asked for, what is left of them is skipped. */
  readonly content: Uint8Array | AsyncIterable<Uint8Array>
}

/** Blobs of a repository by their names, in the order in which they were named. */
export interface BlobReader {
  next(): Promise<Blob>
  close(): Promise<void>
}

const LF = 0x0a
const MAX_LINE = 200
/** Blobs up to this size are read at once. */
const SMALL = 64 * 1024
const NOTHING = new Uint8Array()

async function line(source: ByteSource): Promise<string> {
  let text = ''
  while (text.length < MAX_LINE) {
    const [byte] = await source.some(1)
    if (byte === LF) return text
    text += String.fromCharCode(byte ?? 0)
  }
  throw gitFailed('git answered in an unknown form', 'Use a released version of git.')
}

/** Opens one process of git that gives all blobs, one after another. */
export function readBlobs(gitDir: string, names: readonly string[], signal: AbortSignal | undefined): BlobReader {
  const { child, ended, kill } = startGit(['cat-file', '--batch', '--buffer'], {
    gitDir,
    signal,
    stdin: names.map((name) => `${name}\n`).join(''),
  })
  const source = byteSource(child.stdout, {
    clock: systemClock,
    maxBytes: Number.POSITIVE_INFINITY,
    stallMs: Number.POSITIVE_INFINITY,
    signal,
  })

  /** Of the last blob, with the newline behind it. */
  let left = 0

  async function* pieces(): AsyncGenerator<Uint8Array> {
    while (left > 1) {
      const piece = await source.some(left - 1)
      left -= piece.length
      yield piece
    }
  }

  async function next(): Promise<Blob> {
    while (left > 0) left -= (await source.some(left)).length
    const [, type, length] = (await line(source)).split(' ')
    if (type !== 'blob')
      throw gitFailed('The repository lacks content of its own files', 'It is a partial clone, or damaged: fetch all of it first.')
    const size = Number(length)
    left = size + 1
    if (size > SMALL) return { size, content: pieces() }
    const content = await source.take(left)
    left = 0
    return { size, content: content?.subarray(0, size) ?? NOTHING }
  }

  return {
    async next() {
      try {
        return await next()
      } catch (error) {
        // When git died, its own words tell more than the cut answer.
        if (isRingfenceError(error, 'archive.invalid')) await ended
        throw error
      }
    },
    async close() {
      kill()
      await source.close()
      await ended.catch(() => {
        // It was ended here, or its failure was told by `next`.
      })
    },
  }
}
