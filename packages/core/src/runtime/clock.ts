import { performance } from 'node:perf_hooks'
import { throwIfAborted } from '../errors/abort.ts'

/** Time of the harness. Time inside of a sandbox is another matter and is never compared with it. */
export interface Clock {
  /** Wall time, milliseconds since 1970. */
  now(): number
  /** Milliseconds that only ever grow; for durations and deadlines. */
  monotonic(): number
  /** Waits. An aborted wait rejects with the reason of the signal. It keeps the process alive unless `unref`. */
  sleep(ms: number, options?: { signal?: AbortSignal | undefined; unref?: boolean | undefined }): Promise<void>
}

/** The longest wait of a timer; a longer one would end at once. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(ms, { signal, unref } = {}) {
    throwIfAborted(signal)
    if (ms > LONGEST_TIMER_MS) {
      await systemClock.sleep(LONGEST_TIMER_MS, { signal, unref })
      return systemClock.sleep(ms - LONGEST_TIMER_MS, { signal, unref })
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      if (unref) timer.unref()
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
}
