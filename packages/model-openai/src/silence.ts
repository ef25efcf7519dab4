import type { Clock } from '@ringfence/core'

export interface SilenceWatch {
  /** Something was heard. */
  touch(): void
  /** Stops the watch and its timer. */
  stop(): void
}

/** Calls `onSilent` once nothing was heard for so long. One timer serves a whole stream, however many chunks it has. */
export function watchSilence(clock: Clock, limitMs: number, onSilent: () => void): SilenceWatch {
  const stopped = new AbortController()
  let heardAt = clock.monotonic()
  const watch = async (): Promise<void> => {
    for (;;) {
      const left = heardAt + limitMs - clock.monotonic()
      if (left <= 0) return onSilent()
      await clock.sleep(left, { signal: stopped.signal, unref: true })
    }
  }
  watch().catch(() => {
    // A clock that fails is a watch that ends; a stopped watch ends in this way too.
    if (!stopped.signal.aborted) onSilent()
  })
  return {
    touch: () => {
      heardAt = clock.monotonic()
    },
    stop: () => stopped.abort(),
  }
}
