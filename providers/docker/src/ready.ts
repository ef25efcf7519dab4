import type { Socket } from 'node:net'
import { throwIfAborted } from '@ringfence/core'
import type { Engine } from './engine.ts'
import { frames } from './frames.ts'
import { bytesOf } from './process.ts'

/** How long the first process may take to report, in milliseconds. */
const READY_MS = 120_000
const MOST_CHARACTERS = 4000

/**
 * Reads what the first process of a container says, from before its start.
 *
 * @returns `undefined` when it runs, else what was said instead.
 */
export async function failureOf(engine: Engine, socket: Socket, signal: AbortSignal | undefined): Promise<string | undefined> {
  const ended = new AbortController()
  const hangUp = (): void => void socket.destroy()
  signal?.addEventListener('abort', hangUp, { once: true })
  let late = false
  engine.context.clock.sleep(READY_MS, { signal: ended.signal, unref: true }).then(
    () => {
      late = true
      hangUp()
    },
    // It has reported, and the timer ended with it.
    () => undefined,
  )
  let said = ''
  try {
    for await (const { bytes } of frames(bytesOf(socket))) {
      said += Buffer.from(bytes).toString('utf8')
      if (said === 'ready\n') return undefined
      if (said.length > MOST_CHARACTERS) break
    }
  } catch (error) {
    throwIfAborted(signal)
    if (!late) throw error
  } finally {
    ended.abort()
    signal?.removeEventListener('abort', hangUp)
    socket.destroy()
  }
  throwIfAborted(signal)
  return late ? `its first process did not report within ${READY_MS} ms` : said
}
