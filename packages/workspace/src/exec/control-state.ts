import { RingfenceError } from '@ringfence/core'

/** One control directory: there is one for each user that commands ran as. */
export interface ControlEntry {
  /** `null`: the default user of the sandbox. */
  readonly user: string | null
  /** Absolute path inside. */
  readonly path: string
  readonly generation: string
  readonly token: string
}

/** What another process needs to find the receipts again: plain JSON without secrets of value outside. */
export interface ControlState {
  readonly version: 1
  readonly entries: readonly ControlEntry[]
}

const WORD = /^[0-9a-z_]{8,64}$/

/**
 * Reads a control state that comes out of a journal.
 *
 * @throws `config.invalid` when it is none, or names another version.
 */
export function parseControlState(value: unknown): ControlState {
  if (isRecord(value) && value.version === 1 && Array.isArray(value.entries) && value.entries.every(isEntry))
    return { version: 1, entries: value.entries }
  const version = isRecord(value) ? `version "${String(value.version)}"` : 'no object'
  throw new RingfenceError('config.invalid', `The control state is not valid (${version}; this release reads version 1)`, {
    hint: 'Resume with the release that wrote it.',
    effect: 'none',
  })
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const isEntry = (value: unknown): value is ControlEntry =>
  isRecord(value) &&
  (value.user === null || typeof value.user === 'string') &&
  typeof value.path === 'string' &&
  value.path.startsWith('/') &&
  !value.path.includes('\0') &&
  typeof value.generation === 'string' &&
  WORD.test(value.generation) &&
  typeof value.token === 'string' &&
  WORD.test(value.token)
