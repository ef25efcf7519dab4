import { isRingfenceError } from '@ringfence/core'
import {
  type ConformanceSubject,
  type MutantOutcome,
  type MutantRow,
  type ProviderSubject,
  providerMutants,
  providerSuite,
  type RequirementResult,
  runMutants,
  runSuite,
  type SuiteReport,
} from '@ringfence/testkit'
import type { CommandContext } from '../commands/context.ts'
import type { ProviderSubjects } from './choose-subjects.ts'

/** Much of the time of a requirement is waiting. */
const PARALLEL = 2

/** How a subject ended. What is not run counts as nothing. */
export type SubjectOutcome = { readonly provider: string; readonly title: string } & (
  | { readonly status: 'run'; readonly passed: number; readonly failed: number; readonly skipped: number; readonly known: number }
  | { readonly status: 'not-run'; readonly reason: string }
  | { readonly status: 'broken'; readonly reason: string }
)

export interface RunChoice {
  /** Ids of requirements, or beginnings of ids. Default: all. */
  readonly only: readonly string[] | undefined
  /** Whether the first subject that runs proves the suite by its mutants. */
  readonly mutants: boolean
}

const MARKS = {
  passed: '',
  refused: 'not declared: its refusal was checked',
  'known-failure': 'as is known',
  failed: '',
} as const

/** What went wrong, and what to do about it where that is said. */
function reasonOf(error: unknown): string {
  if (isRingfenceError(error) && error.hint) return `${error.message} (${error.hint})`
  return error instanceof Error ? error.message : String(error)
}

/** The requirements that did something on a mutant. */
const withOutcome = ({ outcomes }: MutantRow, wanted: MutantOutcome): readonly string[] =>
  Object.entries(outcomes).flatMap(([id, outcome]) => (outcome === wanted ? [id] : []))

export function mutantLine(row: MutantRow): string {
  const killed = withOutcome(row, 'killed').length
  const survived = withOutcome(row, 'survived')
  const but = survived.length === 0 ? '' : `, NOT by ${survived.join(', ')}`
  return `mutant ${row.id}: killed by ${killed} requirement${killed === 1 ? '' : 's'}${but}`
}

/** Proves the suite on a subject. Returns what is wrong, a sentence each. */
async function proveSuite(
  subject: ProviderSubject,
  { knownFailures }: ConformanceSubject,
  baseline: SuiteReport,
  names: object,
  context: CommandContext,
): Promise<readonly string[]> {
  const { screen, signal } = context
  screen.title('Mutants: each has one fault, which requirements have to find')
  const onMutant = (row: MutantRow): void => {
    screen.line(`  ${mutantLine(row)}`)
    const [killedBy, survived] = [withOutcome(row, 'killed'), withOutcome(row, 'survived')]
    screen.event({ type: 'mutant', ...names, id: row.id, killedBy, survived })
  }
  const report = await runMutants(providerSuite, providerMutants, subject, {
    baseline,
    knownFailures,
    onMutant,
    parallel: PARALLEL,
    signal,
  })
  for (const problem of report.problems) screen.row('FAILED', problem)
  screen.event({ type: 'mutants', ...names, ok: report.ok, problems: report.problems })
  return report.problems
}

async function runSubject(id: string, subject: ConformanceSubject, choice: RunChoice, context: CommandContext): Promise<SubjectOutcome> {
  const { screen, signal } = context
  const { title, policy, knownFailures } = subject
  const names = { provider: id, subject: title }
  screen.title(`Conformance of ${id}${title === id ? '' : `: ${title}`}`)
  screen.event({ type: 'subject', ...names })
  const given: ProviderSubject = { provider: subject.provider(), policy }
  const onResult = ({ id, behaviour, outcome, error }: RequirementResult): void => {
    screen.row(outcome === 'failed' ? 'FAILED' : outcome, `${id}  ${MARKS[outcome]}`.trimEnd())
    if (error) screen.block(error.message)
    screen.event({ type: 'requirement', ...names, id, behaviour, outcome, error: error?.message })
  }
  const report = await runSuite(providerSuite, given, { only: choice.only, knownFailures, onResult, parallel: PARALLEL, signal })
  if (choice.mutants && !report.ok) screen.note('the mutants are not run: the suite has to hold first')
  const problems = choice.mutants && report.ok ? await proveSuite(given, subject, report, names, context) : []
  const { passed, refused, failed } = report.counts
  const known = report.counts['known-failure']
  return { provider: id, title, status: 'run', passed, failed: failed + problems.length, skipped: refused + known, known }
}

/** What threw outside of a requirement is a failure of its own, unless the whole run was stopped. */
async function attempt(
  provider: string,
  title: string,
  { signal }: CommandContext,
  body: () => Promise<SubjectOutcome | undefined>,
): Promise<readonly SubjectOutcome[]> {
  try {
    const outcome = await body()
    return outcome ? [outcome] : []
  } catch (error) {
    signal.throwIfAborted()
    return [{ provider, title, status: 'broken', reason: reasonOf(error) }]
  }
}

/** Runs the subjects of a provider between its `start` and its `stop`; those that cannot run here are not run. */
export async function runSubjects(
  { id, conformance }: ProviderSubjects,
  choice: RunChoice,
  context: CommandContext,
): Promise<readonly SubjectOutcome[]> {
  const { subjects, start, stop } = conformance
  const outcomes: SubjectOutcome[] = subjects.flatMap(({ title, notRun }) =>
    notRun === undefined ? [] : [{ provider: id, title, status: 'not-run' as const, reason: notRun }],
  )
  const able = subjects.filter(({ notRun }) => notRun === undefined)
  if (able.length === 0) return outcomes
  try {
    const broken = await attempt(id, 'start', context, async () => void (await start?.()))
    outcomes.push(...broken)
    for (const [index, subject] of broken.length > 0 ? [] : able.entries()) {
      context.signal.throwIfAborted()
      const own = { ...choice, mutants: choice.mutants && index === 0 }
      outcomes.push(...(await attempt(id, subject.title, context, () => runSubject(id, subject, own, context))))
    }
  } finally {
    outcomes.push(...(await attempt(id, 'stop', context, async () => void (await stop?.()))))
  }
  return outcomes
}
