import { FIRST_HASH, type JournalRecord, type JournalStore, type RuntimeContext, sha256, systemRuntime } from '@ringfence/core'
import { busy, checkRunId, fenced, missingBlob, runNotFound } from './journal-errors.ts'
import { planAppend, type Tail, takenBy } from './plan-append.ts'

interface MemoryRun {
  /** As text: what is read is what was written, whatever became of the objects. */
  readonly records: string[]
  readonly blobs: Map<string, Uint8Array>
  readonly tail: Tail
  lease: { epoch: number; holder: string; expiresAt: number } | undefined
  epoch: number
  updatedAt: number
}

export interface MemoryJournalOptions {
  /** Clock of the leases. Default: that of the machine. */
  readonly runtime?: RuntimeContext | undefined
}

/** A journal in memory: for tests, and for runs that need not outlive their process. It grows until it is dropped. */
export function memoryJournal({ runtime = systemRuntime }: MemoryJournalOptions = {}): JournalStore {
  const runs = new Map<string, MemoryRun>()
  const find = (runId: string): MemoryRun => runs.get(runId) ?? runNotFound(runId)
  const { clock } = runtime

  return {
    specificationVersion: 'journal-store-v1',
    name: 'memory',
    isDurable: false,
    async open({ runId, holder, leaseMs }) {
      checkRunId(runId)
      let run = runs.get(runId)
      if (run?.lease && run.lease.holder !== holder && run.lease.expiresAt > clock.now()) busy(runId, run.lease, clock.now())
      if (!run) {
        run = { records: [], blobs: new Map(), tail: { ids: [], lastHash: FIRST_HASH }, lease: undefined, epoch: 0, updatedAt: clock.now() }
        runs.set(runId, run)
      }
      run.epoch += 1
      run.lease = { epoch: run.epoch, holder, expiresAt: clock.now() + leaseMs }
      return { epoch: run.epoch, length: run.records.length }
    },
    async append(runId, records) {
      const run = find(runId)
      if (takenBy(records, run.epoch)) fenced(runId, run.epoch)
      if (!run.lease) fenced(runId, run.epoch)
      const plan = planAppend(runId, run.tail, records)
      run.records.push(...plan.fresh.map((record) => JSON.stringify(record)))
      plan.commit()
      run.updatedAt = clock.now()
    },
    async *read(runId, from = 0) {
      const run = find(runId)
      for (let seq = from; seq < run.records.length; seq += 1) {
        const record: JournalRecord = JSON.parse(run.records[seq] ?? '')
        yield record
      }
    },
    async putBlob(runId, bytes) {
      const digest = sha256(bytes)
      find(runId).blobs.set(digest, Uint8Array.from(bytes))
      return digest
    },
    async getBlob(runId, digest) {
      return find(runId).blobs.get(digest) ?? missingBlob(runId, digest)
    },
    async renew(runId, { epoch, leaseMs }) {
      const run = find(runId)
      if (run.lease?.epoch !== epoch) fenced(runId, run.epoch)
      run.lease.expiresAt = clock.now() + leaseMs
    },
    async release(runId, epoch) {
      const run = find(runId)
      if (run.lease?.epoch === epoch) run.lease = undefined
    },
    async lease(runId) {
      const { lease } = find(runId)
      return lease && lease.expiresAt > clock.now() ? { ...lease } : undefined
    },
    async *list() {
      for (const [runId, run] of runs) yield { runId, length: run.records.length, updatedAt: run.updatedAt }
    },
  }
}
