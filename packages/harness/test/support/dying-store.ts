import { type JournalStore, RingfenceError } from '@ringfence/core'

/** A process that dies: from then on nothing reaches the store, not even the end of the lease. */
export interface DyingStore extends JournalStore {
  readonly appends: () => number
}

const dead = (): never => {
  throw new RingfenceError('journal.failed', 'the process is dead')
}

/** @param at the append at which it dies, from 1. `after`: the append is durable, and its acknowledgement lost. */
export function dyingStore(store: JournalStore, at: number, when: 'before' | 'after'): DyingStore {
  let count = 0
  let isDead = false
  return {
    ...store,
    appends: () => count,
    async append(runId, records) {
      count += 1
      if (isDead || (count === at && when === 'before')) {
        isDead = true
        dead()
      }
      await store.append(runId, records)
      if (count === at) {
        isDead = true
        dead()
      }
    },
    putBlob: async (runId, bytes) => (isDead ? dead() : store.putBlob(runId, bytes)),
    renew: async (runId, lease) => (isDead ? dead() : store.renew(runId, lease)),
    release: async (runId, epoch) => (isDead ? dead() : store.release(runId, epoch)),
  }
}
