import { type JournalRecord, recordHash } from '@ringfence/core'
import { conflict } from './journal-errors.ts'

/** The end of a run's journal: what the next record has to follow. */
export interface Tail {
  /** The id of each record, by its `seq`. */
  readonly ids: string[]
  lastHash: string
}

/** Whether records were written under an epoch that is not the one of the run. */
export function takenBy(records: readonly JournalRecord[], epoch: number): boolean {
  return records.some((record) => record.epoch !== epoch)
}

/**
 * Says which of some records are still to be written. Those that stand there under their own id are a lost
 * acknowledgement and left out; all others have to follow the chain.
 *
 * @throws `journal.conflict`; the tail is as it was.
 */
export function planAppend(
  runId: string,
  tail: Tail,
  records: readonly JournalRecord[],
): { fresh: readonly JournalRecord[]; commit(): void } {
  const fresh: JournalRecord[] = []
  let { lastHash } = tail
  let length = tail.ids.length
  for (const record of records) {
    if (record.seq < tail.ids.length && tail.ids[record.seq] === record.recordId) continue
    if (record.seq !== length || record.prevHash !== lastHash || record.runId !== runId) conflict(runId, record.seq, length)
    fresh.push(record)
    lastHash = recordHash(record)
    length += 1
  }
  return {
    fresh,
    commit() {
      for (const { recordId } of fresh) tail.ids.push(recordId)
      tail.lastHash = lastHash
    },
  }
}
