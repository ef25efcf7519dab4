import { RingfenceError } from '@ringfence/core'

/** What breaks the format, or is hostile. */
export function archiveInvalid(reason: string, cause?: unknown): RingfenceError {
  return new RingfenceError('archive.invalid', `The archive is refused: ${reason}`, {
    hint: 'Take the archive again; when it came from a sandbox, treat that sandbox as hostile.',
    operation: 'archive.read',
    effect: 'none',
    cause,
  })
}

/** More than a limit allows. */
export function archiveLimit(limit: string, value: number): RingfenceError {
  return new RingfenceError('archive.limit', `The archive passes the limit ${limit} of "${value}"`, {
    hint: 'Leave out what is not needed, or raise the limit.',
    operation: 'archive.read',
    effect: 'none',
    details: { limit, value },
  })
}
