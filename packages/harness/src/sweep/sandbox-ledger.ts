import { FIRST_HASH, type JournalStore, type RecordType, type SandboxState } from '@ringfence/core'
import { recordChain } from '../journal/check-record.ts'
import { stepOf } from '../journal/reader.ts'
import type { StepBody } from '../journal/step.ts'

/** A sandbox that a run wanted, and whose end is not recorded. */
export interface OwedSandbox extends Pick<StepBody<'sandbox.intent'>, 'generation' | 'intentId' | 'provider' | 'installation'> {
  /** There once its start was recorded. */
  readonly state: SandboxState | undefined
}

/** What the journal of a run says of its sandboxes, and where its chain stands. */
export interface SandboxLedger {
  readonly isEnded: boolean
  /** Of the run's own. A workspace of the app has no intent, and is never among them. */
  readonly owed: readonly OwedSandbox[]
  readonly length: number
  readonly lastHash: string
}

const CONCERNED: ReadonlySet<RecordType> = new Set<RecordType>(['sandbox.intent', 'sandbox.ready', 'sandbox.release', 'run.end'])

/**
 * Reads what a run owes. The chain is checked as a whole; of the bodies, only those of sandboxes are read.
 *
 * @throws `run.not-found`, `journal.corrupt`, `journal.unsupported`, `journal.failed`.
 */
export async function readLedger(store: JournalStore, runId: string): Promise<SandboxLedger> {
  const chain = recordChain(runId, 0, FIRST_HASH)
  const owed = new Map<number, OwedSandbox>()
  let isEnded = false
  for await (const value of store.read(runId)) {
    const record = chain.next(value)
    if (!CONCERNED.has(record.type)) continue
    const step = await stepOf(store, record)
    if (step.type === 'run.end') isEnded = true
    else if (step.type === 'sandbox.intent') owed.set(step.body.generation, { ...step.body, state: undefined })
    else if (step.type === 'sandbox.release' && step.body.destroyed) owed.delete(step.body.generation)
    else if (step.type === 'sandbox.ready') {
      const before = owed.get(step.body.generation)
      if (before) owed.set(before.generation, { ...before, state: step.body.state.sandbox })
    }
  }
  return { isEnded, owed: [...owed.values()], length: chain.length, lastHash: chain.lastHash }
}
