import { describe, test } from 'vitest'
import { conformanceError } from '../assert/assert.ts'
import { formatMutants } from '../suite/format-mutants.ts'
import type { Mutant, Suite } from '../suite/requirement.ts'
import { type MutantOptions, runMutants } from '../suite/run-mutants.ts'
import { DEFAULT_TIMEOUT_MS, type RequirementOptions, runRequirement } from '../suite/run-requirement.ts'
import { checkKnownFailures, type KnownFailures, selectRequirements } from '../suite/run-suite.ts'

export interface DescribeSuiteOptions extends Omit<RequirementOptions, 'knownFailure' | 'signal'> {
  /** Ids that are known to fail, with the reason: they run too, and must fail. */
  readonly knownFailures?: KnownFailures | undefined
}

/** What a runner adds to the time of a requirement and its cleanups, in milliseconds. */
const MARGIN_MS = 10_000

/**
 * Makes each requirement of a suite a test of vitest, within a `describe` of the suite's name.
 *
 * ```ts
 * describeSuite(tracerSuite, { place: (context) => placeOf(context, acmeTracer) }, { knownFailures: { 'span.copies': 'acme/acme#12' } })
 * ```
 *
 * @throws `conformance.failed` for an empty suite and for a known failure that is no requirement of it.
 */
export function describeSuite<Subject>(suite: Suite<Subject>, subject: Subject, options: DescribeSuiteOptions = {}): void {
  const { knownFailures, ...rest } = options
  checkKnownFailures(suite, knownFailures)
  const requirements = selectRequirements(suite)
  const timeout = 2 * (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) + MARGIN_MS
  describe(suite.name, () => {
    for (const requirement of requirements) {
      const { id, behaviour, needs } = requirement
      const knownFailure = knownFailures?.[id]
      const refusal = needs && !needs.declared(subject) ? ` (without ${needs.name}: it is refused)` : ''
      const known = knownFailure === undefined ? '' : ` (known to fail: ${knownFailure})`
      test(`${id}: ${behaviour}${refusal}${known}`, { timeout }, async () => {
        const { outcome, error } = await runRequirement(requirement, subject, { ...rest, knownFailure })
        if (outcome === 'failed') throw error
      })
    }
  })
}

/** Makes the check of a suite by its mutants one test of vitest. It prints the table when something is wrong. */
export function describeMutants<Subject>(
  suite: Suite<Subject>,
  mutants: readonly Mutant<Subject>[],
  subject: Subject,
  options: MutantOptions = {},
): void {
  const timeout = (mutants.length + 1) * 2 * (options.timeoutMs ?? DEFAULT_TIMEOUT_MS) + MARGIN_MS
  test(`each requirement of "${suite.name}" holds, and is failed by a mutant`, { timeout }, async () => {
    const report = await runMutants(suite, mutants, subject, options)
    if (!report.ok) throw conformanceError(`The suite "${suite.name}" is not proven by its mutants\n${formatMutants(report)}`)
  })
}
