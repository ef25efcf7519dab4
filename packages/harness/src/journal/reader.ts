import type { JournalRecord, JournalStore } from '@ringfence/core'
import { z } from 'zod'
import { corrupt, recordChain, unsupported } from './check-record.ts'
import { isStepType, parseStep, type RecordedStep } from './step.ts'

const blobSchema = z.strictObject({ blob: z.string(), bytes: z.number() })

async function bodyOf(store: JournalStore, record: JournalRecord): Promise<unknown> {
  const blob = blobSchema.safeParse(record.body)
  if (!blob.success) return record.body
  const bytes = await store.getBlob(record.runId, blob.data.blob)
  try {
    const body: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return body
  } catch {
    // Its digest was right, so that it was written like this.
    return corrupt(record.runId, `the blob of record ${record.seq} does not parse`)
  }
}

export interface ReadStep {
  readonly step: RecordedStep
  readonly epoch: number
  readonly lastHash: string
}

/**
 * What a record says, checked.
 *
 * @throws `journal.corrupt`, `journal.unsupported`, `journal.failed`.
 */
export async function stepOf(store: JournalStore, record: JournalRecord): Promise<RecordedStep> {
  const { runId, seq, type, parent, recordId } = record
  if (!isStepType(type)) unsupported(runId, seq, record.v, type)
  const parsed = parseStep(type, await bodyOf(store, record))
  if ('problem' in parsed) corrupt(runId, `record ${seq} of type "${type}" lacks its form: ${parsed.problem}`)
  return { ...parsed.step, parent, recordId }
}

/**
 * The steps of a run, from a point of its chain on, checked whatever the store is.
 *
 * @throws `journal.corrupt`, `journal.unsupported`, `run.not-found`, `journal.failed`.
 */
export async function* readSteps(
  store: JournalStore,
  runId: string,
  from: { readonly length: number; readonly lastHash: string },
): AsyncIterable<ReadStep> {
  const chain = recordChain(runId, from.length, from.lastHash)
  for await (const value of store.read(runId, from.length)) {
    const record = chain.next(value)
    yield { step: await stepOf(store, record), epoch: record.epoch, lastHash: chain.lastHash }
  }
}
