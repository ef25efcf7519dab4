import type { Clock, Random, Sandbox } from '@ringfence/core'
import type { Operation } from './command/operation.ts'
import type { Lane } from './lane.ts'

/** Changes the bytes of one stream, in order; `isLast` comes once, with what was held back. */
export type Redactor = (bytes: Uint8Array, isLast: boolean) => Uint8Array

/** What all parts of the engine share. */
export interface ExecContext {
  readonly sandbox: Sandbox
  readonly clock: Clock
  readonly random: Random
  /** Variables of every command. */
  readonly env: Readonly<Record<string, string>>
  /** Between SIGTERM and SIGKILL, in milliseconds. */
  readonly killGraceMs: number
  /** A redactor for one stream. */
  readonly redact: (() => Redactor) | undefined
  /** Aborted by `close`. */
  readonly closing: AbortSignal
  /** The lane of a user; opened when it is first needed. */
  lane(user: string | undefined): Promise<Lane>
  /** The commands that run now. */
  readonly running: Set<Operation>
}
