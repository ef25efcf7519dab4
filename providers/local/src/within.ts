import type { RuntimeContext } from '@ringfence/core'

/** Waits for a promise, at most so long. Tells which came first; the timer is gone afterwards. */
export async function within<T>(promise: Promise<T>, ms: number, { clock }: RuntimeContext): Promise<T | undefined> {
  const timer = new AbortController()
  const late = clock.sleep(ms, { signal: timer.signal }).then(
    () => undefined,
    // Aborted below: the promise was first.
    () => undefined,
  )
  try {
    return await Promise.race([promise, late])
  } finally {
    timer.abort()
  }
}
