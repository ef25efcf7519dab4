import { inspect } from 'node:util'
import { type ErrorCode, isRingfenceError } from '@ringfence/core'
import { EXIT_CODES } from './exit-codes.ts'
import type { Screen } from './screen/screen.ts'

const USAGE: ReadonlySet<ErrorCode> = new Set([
  'config.invalid',
  'feature.unsupported',
  'policy.denied',
  'path.invalid',
  'path.escapes-workspace',
  'source.not-found',
  'source.refused',
  'auth.missing',
  'run.changed',
  'run.not-found',
  'snapshot.not-found',
  'spec.version-unsupported',
  'git.failed',
])
const UNAVAILABLE: ReadonlySet<ErrorCode> = new Set(['sandbox.unavailable', 'sandbox.start-failed'])

/** Shows an error, with what to do about it, and gives the exit code. */
export function reportError(screen: Screen, error: unknown): number {
  if (!isRingfenceError(error)) {
    screen.error(
      'internal.invariant',
      error instanceof Error ? error.message : inspect(error),
      'This is a bug. Set RINGFENCE_DEBUG=1 for the stack.',
    )
    if (process.env.RINGFENCE_DEBUG) process.stderr.write(`${inspect(error)}\n`)
    return EXIT_CODES.failed
  }
  screen.error(error.code, error.message, error.hint)
  if (process.env.RINGFENCE_DEBUG) process.stderr.write(`${inspect(error)}\n`)
  if (USAGE.has(error.code)) return EXIT_CODES.usage
  return UNAVAILABLE.has(error.code) ? EXIT_CODES.unavailable : EXIT_CODES.failed
}
