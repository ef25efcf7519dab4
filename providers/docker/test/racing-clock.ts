import { type Clock, systemRuntime, throwIfAborted } from '@ringfence/core'

/** The clock of the machine, until it is told to run faster: deadlines of minutes then take seconds. */
export interface RacingClock extends Clock {
  /** From now on time passes so many times as fast, also for those who sleep. */
  race(factor: number): void
}

export function racingClock(): RacingClock {
  const { clock } = systemRuntime
  const begun = clock.now()
  let factor = 1
  let since = clock.monotonic()
  let passed = 0
  let turned = new AbortController()
  const elapsed = (): number => passed + (clock.monotonic() - since) * factor
  return {
    now: () => begun + elapsed(),
    monotonic: elapsed,
    async sleep(ms, { signal, unref } = {}) {
      const due = elapsed() + ms
      while (elapsed() < due) {
        const { signal: turn } = turned
        const either = signal ? AbortSignal.any([signal, turn]) : turn
        await clock.sleep((due - elapsed()) / factor, { signal: either, unref }).catch(() => throwIfAborted(signal))
      }
    },
    race(next) {
      passed = elapsed()
      since = clock.monotonic()
      factor = next
      const before = turned
      turned = new AbortController()
      before.abort()
    },
  }
}
