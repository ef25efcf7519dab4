import { abortable, type Clock } from '@ringfence/core'

/**
 * Waits until a promise settles or the time has passed, and tells which: true when it settled. Rejects when it
 * rejects, and with the reason of the signal.
 *
 * @param ms milliseconds on the clock.
 */
export async function settlesWithin(promise: Promise<unknown>, ms: number, clock: Clock, signal?: AbortSignal): Promise<boolean> {
  const done = new AbortController()
  const timer = clock.sleep(ms, { signal: done.signal }).then(
    () => false,
    (error: unknown) => {
      if (!done.signal.aborted) throw error
      return false
    },
  )
  try {
    return await abortable(Promise.race([promise.then(() => true), timer]), signal)
  } finally {
    done.abort()
  }
}
