import { abortable } from '@ringfence/core'

/**
 * Takes all of a content into memory when it has at most `limit` bytes or is there already; else gives it back as a stream from
 * its beginning. Rejects with the reason of the signal, also when the source is silent.
 */
export async function gather(
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof Uint8Array) return data
  const iterator = data[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let bytes = 0
  while (bytes <= limit) {
    const { done, value } = await abortable(iterator.next(), signal).catch((error: unknown) => {
      // A source that hangs holds its return as well, so that nobody waits for it.
      iterator.return?.().then(undefined, () => undefined)
      throw error
    })
    if (done) return Buffer.concat(head)
    head.push(value)
    bytes += value.length
  }
  return replay(head, iterator)
}

async function* replay(head: readonly Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ended = false
  try {
    yield* head
    for (;;) {
      const { done, value } = await iterator.next()
      if (done) {
        ended = true
        return
      }
      yield value
    }
  } finally {
    if (!ended) await iterator.return?.()
  }
}
