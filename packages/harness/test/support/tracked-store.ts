import type { JournalStore } from '@ringfence/core'
import { afterEach } from 'vitest'

const opened: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

/** A store whose runs are let go of after the test, also those of processes that died in it. */
export function tracked(store: JournalStore): JournalStore {
  return {
    ...store,
    async open(request) {
      const run = await store.open(request)
      opened.push(() => store.release(request.runId, run.epoch))
      return run
    },
  }
}
