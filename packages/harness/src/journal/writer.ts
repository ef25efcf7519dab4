import {
  isRingfenceError,
  type JournalRecord,
  type JournalStore,
  type JsonObject,
  RECORD_VERSION,
  type RuntimeContext,
  recordHash,
  sha256,
} from '@ringfence/core'
import type { RecordedStep, Step } from './step.ts'

/** A larger body goes into a blob. Bytes. */
const MAX_BODY_BYTES = 64 * 1024

/** Writes the steps of a run. */
export interface StepWriter {
  /**
   * Adds a step to the run. It is durable after the next `flush`; steps that are staged together are one append.
   *
   * @returns the id of its record.
   */
  stage(step: Step): string
  /** Makes all that was staged durable. Throws what the store throws; nothing can be written after that. */
  flush(): Promise<void>
}

export interface WriterOptions {
  readonly store: JournalStore
  readonly runId: string
  readonly epoch: number
  readonly runtime: RuntimeContext
  /** Where the chain stands. */
  readonly length: number
  readonly lastHash: string
  /** Told of each step when it is staged: the fold. */
  readonly onStaged: (step: RecordedStep, lastHash: string) => void
  /** Told once for each step, in their order, when it is durable. */
  readonly onDurable: () => void
}

interface Pending {
  readonly record: JournalRecord
  readonly blob: Uint8Array | undefined
}

export function stepWriter(options: WriterOptions): StepWriter {
  const { store, runId, epoch, runtime } = options
  let { length, lastHash } = options
  let pending: Pending[] = []
  let flushed: Promise<void> = Promise.resolve()

  const appendOnce = async (batch: readonly Pending[]): Promise<void> => {
    for (const { blob } of batch) if (blob) await store.putBlob(runId, blob)
    const records = batch.map(({ record }) => record)
    try {
      await store.append(runId, records)
    } catch (error) {
      if (!isRingfenceError(error) || error.retry === 'never') throw error
      if (typeof error.retry === 'object') await runtime.clock.sleep(error.retry.afterMs)
      // The same record ids: when the first attempt came through after all, the store says so.
      await store.append(runId, records)
    }
  }
  const flushPending = async (): Promise<void> => {
    if (pending.length === 0) return
    const batch = pending
    pending = []
    await appendOnce(batch)
    for (const _ of batch) options.onDurable()
  }
  return {
    stage(step) {
      const recordId = `${runId}.${epoch}.${length}`
      const text = JSON.stringify(step.body)
      const bytes = text.length * 3 > MAX_BODY_BYTES ? Buffer.from(text) : undefined
      const blob = bytes && bytes.length > MAX_BODY_BYTES ? bytes : undefined
      const body: JsonObject = blob ? { blob: sha256(blob), bytes: blob.length } : JSON.parse(text)
      const record: JournalRecord = {
        v: RECORD_VERSION,
        type: step.type,
        seq: length,
        epoch,
        recordId,
        at: runtime.clock.now(),
        runId,
        parent: step.parent ?? null,
        prevHash: lastHash,
        body,
      }
      length += 1
      lastHash = recordHash(record)
      pending.push({ record, blob })
      options.onStaged({ ...step, recordId }, lastHash)
      return recordId
    },
    flush() {
      const next = flushed.then(flushPending)
      flushed = next
      // Whoever flushes sees the failure; the chain itself is nobody's to await.
      next.catch(() => undefined)
      return next
    },
  }
}
