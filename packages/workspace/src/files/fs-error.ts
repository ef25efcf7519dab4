import { type ErrorCode, isRingfenceError, RingfenceError } from '@ringfence/core'
import type { ScriptResult } from '../shell/sandbox-shell.ts'
import { CODE, MEANINGS } from './script-codes.ts'

/** Scripts run with `LC_ALL=C`, in which these texts of the system are fixed. */
const SYSTEM_TEXTS: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/No space left on device|Disk quota exceeded/i, 'fs.no-space', 'did not find room: the disk inside is full'],
  [/Permission denied|Operation not permitted|Read-only file system/i, 'fs.denied', 'may not be accessed by the user inside'],
]

const HINTS: Partial<Record<ErrorCode, string>> = {
  'fs.no-space': 'Remove what is not needed inside, or give the sandbox a larger disk.',
  'fs.denied': 'Check owner and mode inside of the sandbox.',
}

const MAX_QUOTED = 500

/** The error of a script that ended with another code than 0. */
export function fsError(operation: string, path: string, { code, stderr }: Pick<ScriptResult, 'code' | 'stderr'>): RingfenceError {
  const said = stderr.trim().slice(-MAX_QUOTED)
  if (code === CODE.noProgram)
    return new RingfenceError('feature.unsupported', `The image of the sandbox lacks "${said}", which "${operation}" needs`, {
      operation,
      hint: 'Use an image with coreutils or busybox.',
      effect: 'none',
      details: { program: said },
    })
  const meaning = MEANINGS[code]
  if (meaning)
    return new RingfenceError(meaning.code, `"${path}" ${meaning.text}`, {
      operation,
      hint: meaning.hint,
      effect: 'none',
      details: { path },
    })
  for (const [pattern, known, text] of SYSTEM_TEXTS)
    if (pattern.test(said))
      return new RingfenceError(known, `"${path}" ${text}`, { operation, hint: HINTS[known], details: { path, reason: said } })
  return new RingfenceError('fs.failed', `"${operation}" of "${path}" failed: ${said || `its script ended with the code "${code}"`}`, {
    operation,
    hint: 'Read the quoted reason.',
    details: { path, code },
  })
}

/** More bytes than were asked for. */
export function tooLarge(operation: string, path: string, maxBytes: number): RingfenceError {
  return new RingfenceError('fs.failed', `"${path}" has more than the "${maxBytes}" bytes that were asked for`, {
    operation,
    hint: 'Raise `maxBytes`, or read it as a stream.',
    effect: 'none',
    details: { path, maxBytes },
  })
}

/** What the shell throws for too much output, as an error of files. Others stay as they are. */
export function asTooLarge(error: unknown, operation: string, path: string, maxBytes: number): unknown {
  return isRingfenceError(error, 'archive.limit') ? tooLarge(operation, path, maxBytes) : error
}
