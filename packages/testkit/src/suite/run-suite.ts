import { RingfenceError } from '@ringfence/core'
import { conformanceError } from '../assert/assert.ts'
import type { Outcome, Requirement, RequirementResult, Suite } from './requirement.ts'
import { type RequirementOptions, runRequirement } from './run-requirement.ts'

/** Ids of requirements that are known to fail, each with the reason. */
export type KnownFailures = Readonly<Record<string, string>>

export interface SuiteOptions extends Omit<RequirementOptions, 'knownFailure'> {
  /** Ids, or beginnings of ids up to a dot (`exec`). Default: all. One that names nothing fails the run. */
  readonly only?: readonly string[] | undefined
  /** How many run at once. Default 1. */
  readonly parallel?: number | undefined
  /** Called at the end of each requirement. */
  readonly onResult?: ((result: RequirementResult) => void) | undefined
  /** They run too, and must fail. */
  readonly knownFailures?: KnownFailures | undefined
}

export interface SuiteReport {
  readonly suite: string
  /** In the order of the suite. */
  readonly results: readonly RequirementResult[]
  readonly counts: Readonly<Record<Outcome, number>>
  /** Nothing failed. */
  readonly ok: boolean
}

/**
 * The requirements that `only` names.
 *
 * @throws `config.invalid` when it names none, or what the suite does not have; `conformance.failed` for a suite without
 *   requirements, or with two of one id.
 */
export function selectRequirements<Subject>(suite: Suite<Subject>, only?: readonly string[]): readonly Requirement<Subject>[] {
  const ids = new Set(suite.requirements.map(({ id }) => id))
  if (ids.size === 0) throw conformanceError(`The suite "${suite.name}" has no requirement: an empty run proves nothing`)
  if (ids.size < suite.requirements.length) throw conformanceError(`The suite "${suite.name}" has two requirements of one id`)
  if (!only) return suite.requirements
  const chosen = new Set<string>()
  for (const name of only) {
    const found = [...ids].filter((id) => id === name || id.startsWith(`${name}.`))
    if (found.length === 0)
      throw invalid(`The suite "${suite.name}" has no requirement "${name}"`, `Its ids begin with ${groupsOf(suite).join(', ')}.`)
    for (const id of found) chosen.add(id)
  }
  if (chosen.size === 0)
    throw invalid(`No requirement of the suite "${suite.name}" was chosen: an empty run proves nothing`, 'Name one at least.')
  return suite.requirements.filter(({ id }) => chosen.has(id))
}

const groupsOf = <Subject>(suite: Suite<Subject>): readonly string[] => [
  ...new Set(suite.requirements.map(({ id }) => id.split('.')[0] ?? id)),
]

const invalid = (message: string, hint: string): RingfenceError => new RingfenceError('config.invalid', message, { hint, effect: 'none' })

/** @throws `conformance.failed` for an id that the suite does not have: a list that is out of date hides failures. */
export function checkKnownFailures<Subject>(suite: Suite<Subject>, knownFailures: KnownFailures = {}): void {
  for (const id of Object.keys(knownFailures)) {
    if (!suite.requirements.some((requirement) => requirement.id === id))
      throw conformanceError(`The known failure "${id}" is no requirement of the suite "${suite.name}"`)
  }
}

/** Maps with a bounded number at once; results keep the order. The first error ends it, after those that run. */
async function mapBounded<T, R>(items: readonly T[], limit: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const work = items.entries()
  let broken: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    for (const [index, item] of work) {
      if (broken) return
      try {
        results[index] = await map(item)
      } catch (error) {
        broken ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (broken) throw broken.error
  return results
}

/**
 * Runs a suite on a subject.
 *
 * @throws `config.invalid` for `only` as {@link selectRequirements} does, and for `parallel` below 1; `conformance.failed`
 *   for an empty suite, and for a known failure that it does not have; the reason of `signal`. That a requirement does not
 *   hold is a result.
 */
export async function runSuite<Subject>(suite: Suite<Subject>, subject: Subject, options: SuiteOptions = {}): Promise<SuiteReport> {
  const { only, parallel = 1, onResult, knownFailures, ...rest } = options
  if (!Number.isInteger(parallel) || parallel < 1)
    throw invalid(`"${parallel}" requirements cannot run at once`, 'Give a whole number from 1 on.')
  checkKnownFailures(suite, knownFailures)
  const requirements = selectRequirements(suite, only)
  const results = await mapBounded(requirements, parallel, async (requirement) => {
    const result = await runRequirement(requirement, subject, { ...rest, knownFailure: knownFailures?.[requirement.id] })
    onResult?.(result)
    return result
  })
  const counts: Record<Outcome, number> = { passed: 0, refused: 0, 'known-failure': 0, failed: 0 }
  for (const { outcome } of results) counts[outcome] += 1
  return { suite: suite.name, results, counts, ok: counts.failed === 0 }
}
