import { isRingfenceError, RingfenceError } from '@ringfence/core'

/** A local source that is not safe to take. */
export function sourceRefused(source: string, reason: string, hint = 'Name the real file or folder.', cause?: unknown): RingfenceError {
  return new RingfenceError('source.refused', `The source "${source}" is refused: ${reason}`, {
    operation: 'materialise',
    hint,
    details: { source },
    cause,
  })
}

export function sourceNotFound(source: string): RingfenceError {
  return new RingfenceError('source.not-found', `The source "${source}" is not there`, {
    operation: 'materialise',
    hint: 'Correct the `source` of the entry; relative ones start at the working directory of the harness.',
    effect: 'none',
    details: { source },
  })
}

export function sourceChanged(source: string): RingfenceError {
  return sourceRefused(source, 'it changed while it was read', 'Wait until it is not written to any more.')
}

/** An error of the file system of this machine, as one of sources. */
export function sourceError(source: string, error: unknown): RingfenceError {
  if (isRingfenceError(error)) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return sourceNotFound(source)
  if (code === 'ELOOP') return sourceRefused(source, 'it is a link')
  return sourceRefused(source, `it cannot be read (${String(code ?? 'unknown')})`, 'Make it readable for the harness.', error)
}
