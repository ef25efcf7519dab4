import type { JournalStore, Provider } from '@ringfence/core'
import type { SweptRun } from './sweep-run.ts'

/** What this process knows of the runs of a journal: records are only ever added, so that it holds until there are more of them. */
export interface SweepMemory {
  /** What was found when the run had this many records. */
  recall(runId: string, length: number): SweptRun | undefined
  note(runId: string, outcome: SweptRun): void
  forget(runId: string): void
  /** Runs a sweep when the ones before it are over. */
  inTurn<T>(sweep: () => Promise<T>): Promise<T>
}

const memories = new WeakMap<JournalStore, Map<string, SweepMemory>>()

function makeMemory(): SweepMemory {
  const runs = new Map<string, { readonly length: number; readonly outcome: SweptRun }>()
  let last: Promise<unknown> = Promise.resolve()
  return {
    recall(runId, length) {
      const known = runs.get(runId)
      return known?.length === length ? known.outcome : undefined
    },
    note(runId, { length, kept, errors }) {
      if (length !== undefined && errors.length === 0) runs.set(runId, { length, outcome: { length, kept, swept: [], errors: [] } })
    },
    forget: (runId) => void runs.delete(runId),
    inTurn(sweep) {
      const next = last.then(sweep)
      // Whoever asked for it has its error; the one after it begins all the same.
      last = next.catch(() => undefined)
      return next
    },
  }
}

/** The memory of a journal's runs, as far as the sandboxes of one provider go. It lives as long as the journal is held. */
export function sweepMemory(journal: JournalStore, { profile }: Provider): SweepMemory {
  const ofJournal = memories.get(journal) ?? new Map<string, SweepMemory>()
  memories.set(journal, ofJournal)
  const memory = ofJournal.get(profile.name) ?? makeMemory()
  ofJournal.set(profile.name, memory)
  return memory
}
