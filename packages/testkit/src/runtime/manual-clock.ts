import { type Clock, throwIfAborted } from '@ringfence/core'

export interface ManualClockOptions {
  /** Wall time at the beginning, in milliseconds since 1970. Default 1,700,000,000,000. */
  readonly start?: number | undefined
  /**
   * Time moves by itself to the end of the next sleep once nothing else runs. Sleeps with `unref` do not move it: they
   * are deadlines in the background, and end when something else moves time past them. Default false.
   */
  readonly autoAdvance?: boolean | undefined
}

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  /** Moves time, and ends each sleep that is due, in order. */
  advance(ms: number): Promise<void>
  /** The sleeps that go on now. */
  readonly sleeping: number
  /** How long each sleep was asked to be, `unref` ones left out, in order. */
  readonly sleeps: readonly number[]
  /** Waits until at least so many sleeps go on, `unref` ones included. Default 1. */
  whenSleeping(count?: number): Promise<void>
}

interface Sleep {
  readonly due: number
  readonly unref: boolean
  readonly wake: () => void
}

/** One turn of the event loop, so that what was woken can go on. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A clock for tests: no test waits, and none depends on how long something takes. */
export function manualClock({ start = 1_700_000_000_000, autoAdvance = false }: ManualClockOptions = {}): ManualClock {
  let elapsed = 0
  const asleep = new Set<Sleep>()
  const sleeps: number[] = []
  const watchers = new Set<{ readonly count: number; readonly resolve: () => void }>()

  const nextDue = (until: number, keepsAlive: boolean): Sleep | undefined => {
    let next: Sleep | undefined
    for (const sleep of asleep) {
      if (sleep.due > until || (keepsAlive && sleep.unref)) continue
      if (!next || sleep.due < next.due) next = sleep
    }
    return next
  }
  const moveTo = (time: number): void => {
    for (let sleep = nextDue(time, false); sleep; sleep = nextDue(time, false)) {
      elapsed = Math.max(elapsed, sleep.due)
      sleep.wake()
    }
    elapsed = Math.max(elapsed, time)
  }
  let moving = false
  const moveByItself = async (): Promise<void> => {
    if (moving) return
    moving = true
    await turn()
    for (let next = nextDue(Number.POSITIVE_INFINITY, true); next; next = nextDue(Number.POSITIVE_INFINITY, true)) {
      moveTo(next.due)
      await turn()
    }
    moving = false
  }
  const began = (): void => {
    for (const watcher of watchers) {
      if (asleep.size < watcher.count) continue
      watchers.delete(watcher)
      watcher.resolve()
    }
  }

  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    sleeps,
    get sleeping() {
      return asleep.size
    },
    async sleep(ms, { signal, unref = false } = {}) {
      throwIfAborted(signal)
      if (!unref) sleeps.push(ms)
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => {
          asleep.delete(sleep)
          signal?.removeEventListener('abort', onAbort)
        }
        const onAbort = (): void => {
          leave()
          reject(signal?.reason)
        }
        const wake = (): void => {
          leave()
          resolve()
        }
        const sleep: Sleep = { due: elapsed + Math.max(0, ms), unref, wake }
        asleep.add(sleep)
        signal?.addEventListener('abort', onAbort, { once: true })
        began()
        if (autoAdvance && !unref) void moveByItself()
      })
    },
    async advance(ms) {
      const until = elapsed + ms
      // What wakes may sleep again within the time that is moved.
      for (let next = nextDue(until, false); next; next = nextDue(until, false)) {
        moveTo(next.due)
        await turn()
      }
      moveTo(until)
      await turn()
    },
    async whenSleeping(count = 1) {
      if (asleep.size >= count) return
      await new Promise<void>((resolve) => watchers.add({ count, resolve }))
    },
  }
}
