import { conformanceError } from '../assert/assert.ts'
import type { Mutant, Suite } from './requirement.ts'
import { checkKnownFailures, type KnownFailures, runSuite, type SuiteOptions, type SuiteReport, selectRequirements } from './run-suite.ts'

export interface MutantOptions extends Omit<SuiteOptions, 'only' | 'onResult'> {
  /** A run of the whole suite on the subject without a fault, when there is one already. Default: it is made. */
  readonly baseline?: SuiteReport | undefined
  /** Runs every requirement on every mutant, not only those it is to break: a full table. Default false. */
  readonly full?: boolean | undefined
  /** They fail without a fault already: nothing is proven of them. */
  readonly knownFailures?: KnownFailures | undefined
  /** Called at the end of each mutant. */
  readonly onMutant?: ((row: MutantRow) => void) | undefined
}

/** What a requirement did on a mutant: `killed` when it failed, as it should. */
export type MutantOutcome = 'killed' | 'survived' | 'not-run'

export interface MutantRow {
  readonly id: string
  readonly outcomes: Readonly<Record<string, MutantOutcome>>
}

export interface MutantReport {
  readonly suite: string
  /** The ids of the requirements, in the order of the suite. */
  readonly requirements: readonly string[]
  readonly mutants: readonly MutantRow[]
  /** What is wrong, a sentence each: a requirement that no mutant fails, a mutant that one survives, a bad baseline. */
  readonly problems: readonly string[]
  /** There is no problem: each requirement holds on the subject and fails on a mutant. */
  readonly ok: boolean
}

function checkMutants<Subject>(suite: Suite<Subject>, mutants: readonly Mutant<Subject>[]): void {
  const ids = new Set<string>()
  for (const { id, breaks } of mutants) {
    if (ids.has(id)) throw conformanceError(`Two mutants have the id "${id}"`)
    ids.add(id)
    if (breaks.length === 0) throw conformanceError(`The mutant "${id}" breaks no requirement`)
    for (const name of breaks) {
      if (!suite.requirements.some((requirement) => requirement.id === name))
        throw conformanceError(`The mutant "${id}" breaks "${name}", which is no requirement of the suite "${suite.name}"`)
    }
  }
}

/**
 * Checks the checks: each requirement holds on the subject, and fails on each mutant that is to break it. A
 * requirement that no mutant fails is a problem of the report: it may be one that cannot fail.
 *
 * @throws `conformance.failed` for an empty suite and for lists that name what is not there; the reason of `signal`.
 */
export async function runMutants<Subject>(
  suite: Suite<Subject>,
  mutants: readonly Mutant<Subject>[],
  subject: Subject,
  options: MutantOptions = {},
): Promise<MutantReport> {
  const { baseline: given, full = false, onMutant, knownFailures, ...rest } = options
  checkMutants(suite, mutants)
  checkKnownFailures(suite, knownFailures)
  const isProvable = (id: string): boolean => knownFailures?.[id] === undefined
  const requirements = selectRequirements(suite)
    .map(({ id }) => id)
    .filter(isProvable)
  const baseline = given ?? (await runSuite(suite, subject, { ...rest, knownFailures }))
  const problems = baseline.results
    .filter(({ id, outcome }) => isProvable(id) && outcome !== 'passed' && outcome !== 'refused')
    .map(({ id }) => `"${id}" does not hold on the subject without a fault`)
  const killed = new Set<string>()
  const rows: MutantRow[] = []
  for (const mutant of mutants) {
    const breaks = mutant.breaks.filter(isProvable)
    const only = full ? requirements : breaks
    const results = only.length === 0 ? [] : (await runSuite(suite, mutant.mutate(subject), { ...rest, only })).results
    const outcomes: Record<string, MutantOutcome> = {}
    for (const { id, outcome } of results) {
      outcomes[id] = outcome === 'failed' ? 'killed' : 'survived'
      if (outcome === 'failed') killed.add(id)
    }
    for (const id of breaks) {
      if (outcomes[id] !== 'killed') problems.push(`"${id}" does not fail on the mutant "${mutant.id}"`)
    }
    const row = { id: mutant.id, outcomes }
    rows.push(row)
    onMutant?.(row)
  }
  for (const id of requirements) if (!killed.has(id)) problems.push(`"${id}" is failed by no mutant: it may be unable to fail`)
  return { suite: suite.name, requirements, mutants: rows, problems, ok: problems.length === 0 }
}
