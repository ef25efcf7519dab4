import { type Clock, throwIfAborted } from '@ringfence/core'
import { archiveInvalid, archiveLimit } from './archive-errors.ts'

export interface ByteSourceOptions {
  readonly clock: Clock
  /** Bytes that are taken in all. */
  readonly maxBytes: number
  /** Milliseconds that the source may be silent while something is waited for. */
  readonly stallMs: number
  readonly signal?: AbortSignal | undefined
}

/** Reads a stream in pieces of a wanted length, under a budget and a stall deadline. */
export interface ByteSource {
  /** Exactly `length` bytes, or `undefined` at a clean end. An end within them is `archive.invalid`. */
  take(length: number): Promise<Buffer | undefined>
  /** At most `length` bytes, and at least one. An end is `archive.invalid`. */
  some(length: number): Promise<Buffer>
  /** Lets go of the stream and its timer. Does not wait for a stream that hangs. */
  close(): Promise<void>
}

const ENDED = Symbol('ended')

/** Opens a stream for {@link ByteSource}. */
export function byteSource(source: AsyncIterable<Uint8Array>, options: ByteSourceOptions): ByteSource {
  const { clock, maxBytes, stallMs, signal } = options
  const iterator = source[Symbol.asyncIterator]()
  const closing = new AbortController()
  let rest: Buffer = Buffer.alloc(0)
  let total = 0
  let moves = 0
  let ended = false
  let pending = false
  let interrupt: ((reason: unknown) => void) | undefined
  const onAbort = (): void => interrupt?.(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })

  const watch = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const before = moves
      await clock.sleep(stallMs, { signal: closing.signal, unref: true })
      if (interrupt && moves === before) interrupt(archiveInvalid(`its source was silent for "${stallMs}" ms`))
    }
  }
  // The sleep is cut by `close`, which is the only way that this rejects.
  if (Number.isFinite(stallMs)) watch().catch(() => undefined)

  /** One chunk of the source; a hanging one is interrupted by the watch or the signal. */
  const pull = (): Promise<Buffer | typeof ENDED> => {
    throwIfAborted(signal)
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        interrupt = undefined
        moves++
      }
      moves++
      pending = true
      interrupt = (reason) => {
        settle()
        reject(reason)
      }
      iterator.next().then(
        ({ done, value }) => {
          pending = false
          settle()
          resolve(done ? ENDED : Buffer.from(value.buffer, value.byteOffset, value.byteLength))
        },
        (error: unknown) => {
          pending = false
          ended = true
          settle()
          reject(error)
        },
      )
    })
  }

  /** Puts the next chunk behind the rest; false at the end. */
  const more = async (): Promise<boolean> => {
    if (ended) return false
    const chunk = await pull()
    if (chunk === ENDED) {
      ended = true
      return false
    }
    total += chunk.length
    if (total > maxBytes) throw archiveLimit('maxBytes', maxBytes)
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    return true
  }

  return {
    async take(length) {
      while (rest.length < length) {
        if (await more()) continue
        if (rest.length > 0) throw archiveInvalid('it is cut within a block')
        return undefined
      }
      const piece = rest.subarray(0, length)
      rest = rest.subarray(length)
      return piece
    },
    async some(length) {
      while (rest.length === 0) if (!(await more())) throw archiveInvalid('it is cut within the content of a file')
      const piece = rest.subarray(0, length)
      rest = rest.subarray(piece.length)
      return piece
    },
    async close() {
      closing.abort()
      signal?.removeEventListener('abort', onAbort)
      if (ended) return
      const returned = iterator.return?.()
      // A generator that waits for a silent stream holds its return as well; whoever made it ends it by its signal.
      if (pending) returned?.then(undefined, () => undefined)
      else await returned
    },
  }
}
