import type { JournalRecord } from './record.ts'

/** Who drives a run, and until when. */
export interface JournalLease {
  readonly epoch: number
  readonly holder: string
  /** Wall time in milliseconds. */
  readonly expiresAt: number
}

export interface RunInfo {
  readonly runId: string
  /** Records so far. */
  readonly length: number
  /** Wall time of the last write, in milliseconds. */
  readonly updatedAt: number
}

export interface OpenRequest {
  readonly runId: string
  /** Names the process that opens; the same holder may open again. */
  readonly holder: string
  readonly leaseMs: number
}

/** A run that this process may write to, until another opens it. */
export interface OpenJournal {
  readonly epoch: number
  /** Records that were there when it was opened. */
  readonly length: number
}

/**
 * Where the journals of runs live. An append is durable when it resolves, and costs what is appended, whatever stands
 * before.
 */
export interface JournalStore {
  readonly specificationVersion: 'journal-store-v1'
  readonly name: string
  /** Whether what is in it outlives the process. */
  readonly isDurable: boolean
  /**
   * Opens a run for writing: takes the lease and a new epoch, one higher than any before. A run that is not there is
   * made.
   *
   * @throws `run.busy` while another holder's lease lasts, `journal.corrupt`, `journal.failed`.
   */
  open(request: OpenRequest): Promise<OpenJournal>
  /**
   * Appends one record, or several as one: all or none.
   *
   * @param records the first has the `seq` that is next; all carry the epoch of the opener.
   * @throws `journal.conflict` when another record stands there (the same `recordId` is success), `run.fenced` when a
   *   newer epoch was opened, `run.not-found`, `journal.failed`.
   */
  append(runId: string, records: readonly JournalRecord[]): Promise<void>
  /** Reads from a sequence number on. A last record that was cut by a crash is not there. Throws `run.not-found`. */
  read(runId: string, from?: number): AsyncIterable<JournalRecord>
  /** Stores a large body under its SHA-256 and returns that. */
  putBlob(runId: string, bytes: Uint8Array): Promise<string>
  /** Throws `journal.corrupt` when it is missing or differs. */
  getBlob(runId: string, digest: string): Promise<Uint8Array>
  /** Prolongs the lease of an epoch. Throws `run.fenced`. */
  renew(runId: string, lease: { epoch: number; leaseMs: number }): Promise<void>
  /** Gives the lease back. A newer epoch is no error. */
  release(runId: string, epoch: number): Promise<void>
  /** The lease as it stands, or `undefined` when nobody drives the run. */
  lease(runId: string): Promise<JournalLease | undefined>
  list(): AsyncIterable<RunInfo>
}
