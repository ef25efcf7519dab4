import type { OutputChunk } from '@ringfence/core'

/**
 * Takes output before anybody asks for it, up to a bound: the exit of a process settles when its output was taken, and a
 * command ends whether its output is read or not. A reader gets all of it, from the beginning. Can be iterated once.
 *
 * @param maxBytes bytes that are held; with more the process waits.
 */
export function readAhead(source: AsyncIterable<OutputChunk>, maxBytes: number): AsyncIterable<OutputChunk> {
  const held: OutputChunk[] = []
  let size = 0
  let over: { error: unknown } | 'ended' | undefined
  let wake = (): void => undefined
  const changed = (): Promise<void> =>
    new Promise((resolve) => {
      const before = wake
      wake = () => {
        before()
        resolve()
      }
    })
  const tell = (): void => {
    const waiting = wake
    wake = () => undefined
    waiting()
  }
  const pump = async (): Promise<void> => {
    try {
      for await (const chunk of source) {
        held.push(chunk)
        size += chunk.bytes.length
        tell()
        while (size >= maxBytes) await changed()
      }
      over = 'ended'
    } catch (error) {
      over = { error }
    }
    tell()
  }
  void pump()
  return (async function* () {
    for (;;) {
      const chunk = held.shift()
      if (chunk) {
        size -= chunk.bytes.length
        tell()
        yield chunk
      } else if (over === 'ended') return
      else if (over) throw over.error
      else await changed()
    }
  })()
}
