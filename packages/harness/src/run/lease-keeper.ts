import { isRingfenceError, type JournalStore, RingfenceError, type RuntimeContext } from '@ringfence/core'

export interface LeaseKeeperOptions {
  readonly store: JournalStore
  readonly runId: string
  readonly epoch: number
  readonly leaseMs: number
  readonly runtime: RuntimeContext
  /** Told once when the run may not be driven any longer. */
  readonly onLost: (error: RingfenceError) => void
}

/** Renews the lease of a run while it is driven. Returns what stops it. */
export function keepLease({ store, runId, epoch, leaseMs, runtime, onLost }: LeaseKeeperOptions): () => Promise<void> {
  const { clock } = runtime
  const stopped = new AbortController()
  const beat = async (): Promise<void> => {
    let renewedAt = clock.monotonic()
    while (!stopped.signal.aborted) {
      try {
        await clock.sleep(leaseMs / 3, { signal: stopped.signal, unref: true })
      } catch {
        // Only stopping ends the sleep early.
        return
      }
      const startedAt = clock.monotonic()
      try {
        await store.renew(runId, { epoch, leaseMs })
        renewedAt = startedAt
      } catch (error) {
        if (isRingfenceError(error, 'run.fenced')) return onLost(error)
        // The store may come back: the lease lasts for two more beats.
        if (clock.monotonic() - renewedAt < leaseMs) continue
        return onLost(
          new RingfenceError('run.fenced', `The lease of the run "${runId}" ran out, because the journal could not renew it`, {
            operation: 'journal.renew',
            hint: 'Mend the store and load the run again.',
            cause: error,
          }),
        )
      }
    }
  }
  const beating = beat()
  return async () => {
    stopped.abort()
    await beating
  }
}
