import { FIRST_HASH, type JournalRecord, type JournalStore, recordHash } from '@ringfence/core'

/** The next records of a chain. */
export function chain(runId: string, epoch: number, count: number, before?: JournalRecord): JournalRecord[] {
  const records: JournalRecord[] = []
  let last = before
  for (let index = 0; index < count; index += 1) {
    const seq = last ? last.seq + 1 : 0
    const record: JournalRecord = {
      v: 1,
      type: 'model.begin',
      seq,
      epoch,
      recordId: `${runId}.${epoch}.${seq}`,
      at: 1_700_000_000_000,
      runId,
      parent: null,
      prevHash: last ? recordHash(last) : FIRST_HASH,
      body: { text: `record ${seq}, with ünïcode` },
    }
    records.push(record)
    last = record
  }
  return records
}

export async function readAll(store: JournalStore, runId: string, from?: number): Promise<JournalRecord[]> {
  const records: JournalRecord[] = []
  for await (const record of store.read(runId, from)) records.push(record)
  return records
}
