import type { JsonObject } from '../../json/json.ts'
import { digestOf } from '../../json/json.ts'

/** Every type of record that may stand in a journal. Some are reserved for later releases. */
export const RECORD_TYPES = [
  'run.start',
  'run.end',
  'run.takeover',
  'run.fork',
  'model.begin',
  'model.end',
  'tool.begin',
  'tool.end',
  'op.started',
  'approval.request',
  'approval.decision',
  'handoff',
  'sandbox.intent',
  'sandbox.ready',
  'sandbox.parked',
  'sandbox.release',
  'snapshot',
  'secret.use',
  'egress',
  'export',
] as const

export type RecordType = (typeof RECORD_TYPES)[number]

/** The version of records that this release writes. */
export const RECORD_VERSION = 1

/** What the writer of a record says. The store adds nothing to it. */
export interface JournalRecord {
  readonly v: typeof RECORD_VERSION
  readonly type: RecordType
  /** 0 for the first, then one more each. */
  readonly seq: number
  /** The epoch of the driver that wrote it. */
  readonly epoch: number
  /** Unique; appending the same again is a lost acknowledgement, not a conflict. */
  readonly recordId: string
  /** Wall time, milliseconds since 1970. */
  readonly at: number
  readonly runId: string
  /** The record that this one answers, such as the `tool.begin` of a `tool.end`; `null` for none. */
  readonly parent: string | null
  /** The hash of the record before; 64 zeros for the first. */
  readonly prevHash: string
  readonly body: JsonObject
}

/** The `prevHash` of the first record. */
export const FIRST_HASH: string = '0'.repeat(64)

/** The hash that chains a record to the next. */
export function recordHash(record: JournalRecord): string {
  return digestOf(record)
}
