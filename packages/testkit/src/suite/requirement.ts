import type { RingfenceError, RuntimeContext } from '@ringfence/core'

/** What a requirement is given besides its subject. */
export interface RequirementContext {
  /** Clock and randomness: nothing in a suite uses the bare ones. */
  readonly runtime: RuntimeContext
  /** Aborted when the requirement has run out of time or the whole run is stopped. */
  readonly signal: AbortSignal
  /**
   * Calls this when the requirement has ended, however it ended; the last one first. One that throws fails the
   * requirement, and the others are still called.
   */
  defer(cleanup: () => void | Promise<void>): void
}

/** A part of a contract that a subject may leave out, as long as it says so and refuses what is asked of it. */
export interface Feature<Subject> {
  /** As in the profile: `pty`, `wire.stdin`. */
  readonly name: string
  /** Whether the subject declares it. Pure: it is asked before anything runs. */
  declared(subject: Subject): boolean
  /** Throws unless a subject that does not declare it refuses it, before any side effect. */
  refused(subject: Subject, context: RequirementContext): Promise<void>
}

/** One sentence of a contract that can be checked. */
export interface Requirement<Subject> {
  /** Stable and unique in its suite, as `exec.exit-code.nonzero-resolves`. */
  readonly id: string
  /** What must hold, as a sentence. */
  readonly behaviour: string
  /** Without this feature its refusal is checked instead. Left out: it holds for every subject. */
  readonly needs?: Feature<Subject> | undefined
  /** Throws when it does not hold. It leaves nothing behind: see {@link RequirementContext.defer}. */
  run(subject: Subject, context: RequirementContext): Promise<void>
}

/** The requirements of one contract. */
export interface Suite<Subject> {
  readonly name: string
  readonly requirements: readonly Requirement<Subject>[]
}

/**
 * - `passed`: it holds.
 * - `refused`: the subject does not declare the feature, and the refusal was checked.
 * - `known-failure`: it does not hold, as was known.
 * - `failed`: it does not hold; or it was known to fail and does not any more.
 */
export type Outcome = 'passed' | 'refused' | 'known-failure' | 'failed'

export interface RequirementResult {
  readonly id: string
  readonly behaviour: string
  readonly outcome: Outcome
  /** Of a `failed` and a `known-failure` one: `conformance.failed`, with what was thrown as its cause. */
  readonly error?: RingfenceError | undefined
}

/** A subject with one deliberate fault: what proves that a requirement can fail at all. */
export interface Mutant<Subject> {
  /** Says the fault, as `exit-code-always-zero`. */
  readonly id: string
  /** The ids of the requirements that must fail for it; never empty. */
  readonly breaks: readonly string[]
  /** The subject with the fault. The one given stays as it is. */
  mutate(subject: Subject): Subject
}
