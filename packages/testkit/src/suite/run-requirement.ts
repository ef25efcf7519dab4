import { abortable, type RingfenceError, type RuntimeContext, systemRuntime } from '@ringfence/core'
import { conformanceError, messageOf } from '../assert/assert.ts'
import type { Requirement, RequirementContext, RequirementResult } from './requirement.ts'

/** The time of one requirement, in milliseconds, when none is given. */
export const DEFAULT_TIMEOUT_MS = 60_000

export interface RequirementOptions {
  /** Why it is known to fail: it then must fail. */
  readonly knownFailure?: string | undefined
  /** Milliseconds until it counts as failed. Default 60,000. Its cleanups have as long again. */
  readonly timeoutMs?: number | undefined
  /** Default: clock and randomness of the machine. */
  readonly runtime?: RuntimeContext | undefined
  /** Stops it. The run rejects with the reason, after the cleanups. */
  readonly signal?: AbortSignal | undefined
}

/** Runs with a deadline that aborts the signal it is given. Waits for nothing but the deadline or the end. */
async function withDeadline(
  ms: number,
  runtime: RuntimeContext,
  outer: AbortSignal | undefined,
  body: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const deadline = new AbortController()
  const ended = new AbortController()
  const signal = outer ? AbortSignal.any([outer, deadline.signal]) : deadline.signal
  const timer = runtime.clock.sleep(ms, { signal: ended.signal }).then(
    () => deadline.abort(conformanceError(`It did not end within ${ms} ms`)),
    // It ended in time, and the timer with it.
    () => undefined,
  )
  try {
    await abortable(
      Promise.resolve().then(() => body(signal)),
      signal,
    )
  } finally {
    ended.abort()
    await timer
  }
}

type Cleanup = () => void | Promise<void>

/** The cleanups of one requirement. What is deferred after the end is called at once: a late one is not forgotten. */
function makeCleanups(): { defer(cleanup: Cleanup): void; run(): Promise<void> } {
  const pending: Cleanup[] = []
  let closed = false
  return {
    defer(cleanup) {
      if (!closed) pending.push(cleanup)
      else
        void Promise.resolve()
          .then(cleanup)
          // The requirement failed already, by its deadline; there is nobody left to tell.
          .catch(() => undefined)
    },
    async run() {
      closed = true
      const errors: unknown[] = []
      for (let next = pending.pop(); next; next = pending.pop()) {
        try {
          await next()
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw conformanceError(`Its cleanup failed: ${messageOf(errors[0])}`, errors[0])
    },
  }
}

async function attempt<Subject>(
  requirement: Requirement<Subject>,
  subject: Subject,
  options: RequirementOptions,
  refusal: boolean,
): Promise<{ error: unknown } | undefined> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, runtime = systemRuntime, signal: outer } = options
  const cleanups = makeCleanups()
  let failure: { error: unknown } | undefined
  try {
    await withDeadline(timeoutMs, runtime, outer, async (signal) => {
      const context: RequirementContext = { runtime, signal, defer: cleanups.defer }
      await (refusal ? requirement.needs?.refused(subject, context) : requirement.run(subject, context))
    })
  } catch (error) {
    failure = { error }
  }
  try {
    await withDeadline(timeoutMs, runtime, undefined, () => cleanups.run())
  } catch (error) {
    failure ??= { error }
  }
  return failure
}

function describeFailure<Subject>({ id, behaviour }: Requirement<Subject>, error: unknown, refusal: boolean): RingfenceError {
  const what = refusal ? 'The feature is not declared, and is not refused either' : behaviour
  return conformanceError(`${id}: ${what}\n${messageOf(error)}`, error, { requirement: id })
}

/**
 * Runs one requirement; where its feature is not declared, the check of the refusal.
 *
 * @throws only the reason of `signal`; every failure is a result.
 */
export async function runRequirement<Subject>(
  requirement: Requirement<Subject>,
  subject: Subject,
  options: RequirementOptions = {},
): Promise<RequirementResult> {
  options.signal?.throwIfAborted()
  const { id, behaviour, needs } = requirement
  const refusal = needs !== undefined && !needs.declared(subject)
  const failure = await attempt(requirement, subject, options, refusal)
  options.signal?.throwIfAborted()
  if (options.knownFailure !== undefined) {
    if (failure) return { id, behaviour, outcome: 'known-failure', error: describeFailure(requirement, failure.error, refusal) }
    const error = conformanceError(
      `${id}: ${behaviour}\nIt is listed as a known failure ("${options.knownFailure}"), and holds now: take it off the list`,
      undefined,
      { requirement: id },
    )
    return { id, behaviour, outcome: 'failed', error }
  }
  if (failure) return { id, behaviour, outcome: 'failed', error: describeFailure(requirement, failure.error, refusal) }
  return { id, behaviour, outcome: refusal ? 'refused' : 'passed' }
}
