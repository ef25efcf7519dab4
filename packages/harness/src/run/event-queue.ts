import { RingfenceError } from '@ringfence/core'
import type { RunEvent } from './run-event.ts'

/** The reader is this many events behind before the model is made to wait. */
const HIGH_WATER = 256

/** Events on their way to one reader. Without a reader they are kept; a reader that waits makes the run wait. */
export interface EventQueue {
  push(event: RunEvent): void
  /** Resolves when a reader has caught up, at once when there is none. */
  drained(): Promise<void>
  end(error?: { readonly cause: unknown }): void
  readonly events: AsyncIterable<RunEvent>
}

export function eventQueue(): EventQueue {
  let queue: RunEvent[] = []
  let ended: { readonly error?: { readonly cause: unknown } | undefined } | undefined
  let reader: 'none' | 'reading' | 'left' = 'none'
  let wakeReader: (() => void) | undefined
  let wakeWriters: (() => void)[] = []
  const wakeAll = (): void => {
    const waiting = wakeWriters
    wakeWriters = []
    for (const wake of waiting) wake()
  }
  async function* read(): AsyncGenerator<RunEvent> {
    if (reader !== 'none')
      throw new RingfenceError('config.invalid', 'The events of a run can be read once', { hint: 'Keep what you need.', effect: 'none' })
    reader = 'reading'
    try {
      for (;;) {
        const batch = queue
        queue = []
        wakeAll()
        yield* batch
        if (queue.length > 0) continue
        if (ended) {
          if (ended.error) throw ended.error.cause
          return
        }
        await new Promise<void>((resolve) => {
          wakeReader = resolve
        })
      }
    } finally {
      // A reader that leaves lets the run go on unseen.
      reader = 'left'
      queue = []
      wakeAll()
    }
  }
  return {
    push(event) {
      if (reader === 'left') return
      queue.push(event)
      wakeReader?.()
    },
    drained: async () => {
      while (reader === 'reading' && queue.length >= HIGH_WATER) await new Promise<void>((resolve) => wakeWriters.push(resolve))
    },
    end(error) {
      ended = { error }
      wakeReader?.()
    },
    events: { [Symbol.asyncIterator]: read },
  }
}
