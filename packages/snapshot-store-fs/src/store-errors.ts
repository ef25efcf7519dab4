import { type Effect, RingfenceError } from '@ringfence/core'

const provider = 'snapshot-store-fs'

/** The code of a system error, as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** A value breaks a rule of the contract; nothing was done. */
export function invalid(operation: string, message: string, hint: string): RingfenceError {
  return new RingfenceError('config.invalid', message, { provider, operation, hint, effect: 'none' })
}

/** The disk failed. */
export function failed(operation: string, directory: string, cause: unknown, effect: Effect): RingfenceError {
  const code = systemCode(cause)
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  const reason = full ? 'the disk is full' : cause instanceof Error ? cause.message : String(cause)
  return new RingfenceError('snapshot.failed', `The store in "${directory}" failed: ${reason}`, {
    provider,
    operation,
    hint: full ? 'Make room on the disk, then take the snapshot again.' : 'Check that the folder is there and may be written.',
    retry: effect === 'none' ? 'safe' : 'never',
    effect,
    details: code === undefined ? {} : { code },
    cause,
  })
}

export function notFound(operation: string, digest: string, directory: string): RingfenceError {
  return new RingfenceError('snapshot.not-found', `The store in "${directory}" has no blob "${digest}"`, {
    provider,
    operation,
    hint: 'Check the id of the snapshot and the directory of the store.',
    effect: 'none',
  })
}

export function corrupt(operation: string, message: string, details: Readonly<Record<string, unknown>>): RingfenceError {
  return new RingfenceError('snapshot.corrupt', message, {
    provider,
    operation,
    hint: 'Use nothing of it. Restore an older snapshot, or put the same content again: that mends it.',
    effect: 'none',
    details,
  })
}

/** Does one thing with the disk; what it throws becomes `snapshot.failed`. */
export async function onDisk<T>(operation: string, directory: string, effect: Effect, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw failed(operation, directory, cause, effect)
  }
}
