import { type JournalRecord, RECORD_TYPES, RECORD_VERSION, type RecordType, RingfenceError, recordHash } from '@ringfence/core'
import { z } from 'zod'

const recordSchema = z.strictObject({
  v: z.literal(RECORD_VERSION),
  type: z.enum(RECORD_TYPES),
  seq: z.int().nonnegative(),
  epoch: z.int().positive(),
  recordId: z.string(),
  at: z.number(),
  runId: z.string(),
  parent: z.string().nullable(),
  prevHash: z.string(),
  body: z.record(z.string(), z.json()),
})

const headSchema = z.object({ v: z.union([z.number(), z.string()]), type: z.string() })

const isKnown = (type: string): type is RecordType => (RECORD_TYPES as readonly string[]).includes(type)

/** @throws `journal.corrupt`, with the place. */
export function corrupt(runId: string, message: string): never {
  throw new RingfenceError('journal.corrupt', `The journal of the run "${runId}" is damaged: ${message}`, {
    operation: 'journal.read',
    hint: 'Restore it from a copy; what stands before the damage is still readable.',
    effect: 'none',
    details: { runId },
  })
}

/** @throws `journal.unsupported`, naming what is there and what this release knows. */
export function unsupported(runId: string, seq: number, version: unknown, type: string): never {
  throw new RingfenceError(
    'journal.unsupported',
    `Record ${seq} of the run "${runId}" is of type "${type}" and version "${String(version)}"; this release takes up version "${RECORD_VERSION}" and the types it writes itself`,
    {
      operation: 'journal.read',
      hint: 'Resume the run with the release that wrote it, or a newer one.',
      effect: 'none',
      details: { runId, seq, type, version, known: RECORD_VERSION },
    },
  )
}

/** Follows the chain of a run's records, one after the other. */
export interface RecordChain {
  readonly length: number
  readonly lastHash: string
  /** The next record, checked. Throws `journal.corrupt`, `journal.unsupported`. */
  next(value: unknown): JournalRecord
}

/** A chain that stands at `length` records, the last of which hashes to `lastHash`. */
export function recordChain(runId: string, length: number, lastHash: string): RecordChain {
  const chain = { length, lastHash }
  return {
    get length() {
      return chain.length
    },
    get lastHash() {
      return chain.lastHash
    },
    next(value) {
      const head = headSchema.safeParse(value)
      if (!head.success) corrupt(runId, `record ${chain.length} is no record`)
      if (head.data.v !== RECORD_VERSION || !isKnown(head.data.type)) unsupported(runId, chain.length, head.data.v, head.data.type)
      const parsed = recordSchema.safeParse(value)
      if (!parsed.success) corrupt(runId, `record ${chain.length} lacks its form: ${parsed.error.issues[0]?.message ?? 'unknown reason'}`)
      const record: JournalRecord = parsed.data
      if (record.runId !== runId) corrupt(runId, `record ${chain.length} belongs to the run "${record.runId}"`)
      if (record.seq !== chain.length) corrupt(runId, `record ${record.seq} stands where record ${chain.length} belongs`)
      if (record.prevHash !== chain.lastHash) corrupt(runId, `the hash chain is broken at record ${record.seq}`)
      chain.lastHash = recordHash(record)
      chain.length += 1
      return record
    },
  }
}
