import { isRingfenceError, type JournalLease, RingfenceError } from '@ringfence/core'

const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Refuses an id that cannot be part of a path and of the ids of operations. */
export function checkRunId(runId: string): void {
  if (!RUN_ID.test(runId))
    throw new RingfenceError('config.invalid', `"${runId}" cannot be the id of a run`, {
      hint: 'Use at most 64 letters, digits, ".", "_" and "-", beginning with a letter or a digit.',
      effect: 'none',
    })
}

export function busy(runId: string, lease: JournalLease, now: number): never {
  throw new RingfenceError('run.busy', `The run "${runId}" is driven by "${lease.holder}" for ${lease.expiresAt - now} ms more`, {
    operation: 'journal.open',
    hint: 'Wait until it ends; after a crash, until its lease has run out.',
    retry: { afterMs: Math.max(1, lease.expiresAt - now) },
    effect: 'none',
    details: { runId, holder: lease.holder, expiresAt: lease.expiresAt },
  })
}

export function fenced(runId: string, epoch: number): never {
  throw new RingfenceError('run.fenced', `The run "${runId}" was taken over or released; its epoch is ${epoch} now`, {
    operation: 'journal.append',
    hint: 'Stop here; whoever opened it last goes on.',
    effect: 'none',
    details: { runId, epoch },
  })
}

export function conflict(runId: string, seq: number, length: number): never {
  throw new RingfenceError('journal.conflict', `Record ${seq} cannot be appended to the run "${runId}", which has ${length}`, {
    operation: 'journal.append',
    hint: 'Load the run again and go on from there.',
    effect: 'none',
    details: { runId, seq, length },
  })
}

export function runNotFound(runId: string): never {
  throw new RingfenceError('run.not-found', `The journal knows no run "${runId}"`, {
    operation: 'journal.read',
    hint: 'Check the id and the place of the journal.',
    effect: 'none',
    details: { runId },
  })
}

export function missingBlob(runId: string, digest: string): never {
  throw new RingfenceError('journal.corrupt', `The blob "${digest}" of the run "${runId}" is missing or differs`, {
    operation: 'journal.getBlob',
    hint: 'Restore it from a copy.',
    effect: 'none',
    details: { runId, digest },
  })
}

/** Turns what a file system throws into `journal.failed`; what is ours goes on as it is. */
export function journalFailed(operation: string, runId: string, cause: unknown): RingfenceError {
  if (isRingfenceError(cause)) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new RingfenceError('journal.failed', `The journal of the run "${runId}" failed: ${reason}`, {
    operation,
    hint: 'Mend the store; the run can be loaded again from the last record.',
    effect: 'unknown',
    details: { runId },
    cause,
  })
}
