import { type Clock, isRingfenceError, type LifetimeFacet } from '@ringfence/core'

/** Prolongs the life of a sandbox while this process lives. Returns what stops it. `onGone`: it has ended. */
export function keepAlive(lifetime: LifetimeFacet, leaseMs: number, clock: Clock, onGone: () => void = () => undefined): () => void {
  const stop = new AbortController()
  const beat = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(leaseMs / 3, { signal: stop.signal, unref: true })
      try {
        await lifetime.extend(leaseMs)
      } catch (error) {
        // A sandbox that has gone needs no heart. Anything else may pass: two more beats fit into the lease.
        if (isRingfenceError(error, 'sandbox.gone')) return onGone()
        if (isRingfenceError(error, 'sandbox.closed')) return
      }
    }
  }
  beat().catch(() => {
    // The sleep was aborted: the workspace is closed.
  })
  return () => stop.abort()
}
