/** A stream on its way to somewhere else that may hide how it ended. */
export interface WatchedStream {
  /** `return` it when whoever reads it may have stopped: that lets go of its source. */
  readonly chunks: AsyncGenerator<Uint8Array>
  /** Bytes that passed so far. */
  readonly bytes: number
  /** Its source has come to its end. */
  readonly ended: boolean
  /** What its source threw. */
  readonly failed: { readonly error: unknown } | undefined
}

/** Lets a stream pass and remembers how it ended. */
export function watchStream(source: AsyncIterable<Uint8Array>): WatchedStream {
  const state = { chunks: passing(), bytes: 0, ended: false, failed: undefined as { error: unknown } | undefined }
  async function* passing(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of source) {
        state.bytes += chunk.length
        yield chunk
      }
      state.ended = true
    } catch (error) {
      state.failed = { error }
      throw error
    }
  }
  return state
}
