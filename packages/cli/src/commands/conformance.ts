import { providerSuite, selectRequirements } from '@ringfence/testkit'
import { chooseSubjects, type ProviderSubjects } from '../conformance/choose-subjects.ts'
import { runSubjects, type SubjectOutcome } from '../conformance/run-subjects.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import type { Screen } from '../screen/screen.ts'
import { type CommandContext, parseProviderOptions } from './context.ts'

export interface ConformanceOptions {
  readonly providerOptions?: string
  readonly subject?: string
  readonly list?: boolean
  readonly only?: readonly string[]
  readonly mutants: boolean
  readonly live?: boolean
}

/** Says what there is to run, and what cannot be run here. */
function showList(chosen: readonly ProviderSubjects[], screen: Screen): number {
  for (const { id, conformance } of chosen) {
    screen.title(id)
    for (const { title, notRun } of conformance.subjects) {
      screen.line(`  ${title}${notRun === undefined ? '' : `  (cannot run here: ${notRun})`}`)
      screen.event({ type: 'subject', provider: id, subject: title, notRun: notRun ?? null })
    }
  }
  return EXIT_CODES.done
}

function showOutcome(outcome: SubjectOutcome, screen: Screen): void {
  const { provider, title, status } = outcome
  const names = { provider, subject: title }
  if (status === 'run') {
    const { passed, failed, skipped, known } = outcome
    const row = `${title}: ${passed} passed, ${failed} failed, ${skipped} skipped${known > 0 ? ` (${known} known to fail)` : ''}`
    screen.row(failed === 0 ? 'passed' : 'FAILED', row)
    screen.event({ type: 'subject-end', ...names, passed, failed, skipped, known })
    return
  }
  if (status === 'not-run') screen.line(`  not run: ${title}: ${outcome.reason}`)
  else screen.row('FAILED', `${title}: ${outcome.reason}`)
  screen.event({ type: status === 'not-run' ? 'subject-not-run' : 'subject-failed', ...names, reason: outcome.reason })
}

/** A line for each subject, and one total as the last line. */
function showTotal(outcomes: readonly SubjectOutcome[], screen: Screen): number {
  const ran = outcomes.filter((outcome) => outcome.status === 'run')
  const notRun = outcomes.filter(({ status }) => status === 'not-run').length
  const broken = outcomes.filter(({ status }) => status === 'broken').length
  const sum = (of: 'passed' | 'failed' | 'skipped'): number => ran.reduce((total, outcome) => total + outcome[of], 0)
  const [passed, failed, skipped] = [sum('passed'), sum('failed') + broken, sum('skipped')]
  for (const id of new Set(outcomes.map(({ provider }) => provider))) {
    screen.title(id)
    for (const outcome of outcomes) if (outcome.provider === id) showOutcome(outcome, screen)
  }
  screen.line('')
  screen.line(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  screen.event({ type: 'summary', passed, failed, skipped, notRun })
  if (failed > 0) return EXIT_CODES.failed
  // Nothing that ran proves nothing.
  return ran.length === 0 ? EXIT_CODES.unavailable : EXIT_CODES.done
}

/** Runs the suite of providers on the subjects of one, or of all; a part of the suite is run without its mutants. */
export async function conformanceCommand(name: string, options: ConformanceOptions, context: CommandContext): Promise<number> {
  const { screen, cwd } = context
  const { only } = options
  const chosen = await chooseSubjects({
    name,
    options: parseProviderOptions(options.providerOptions),
    title: options.subject,
    live: options.live === true,
    cwd,
  })
  selectRequirements(providerSuite, only)
  if (options.list) return showList(chosen, screen)
  const outcomes: SubjectOutcome[] = []
  for (const one of chosen) outcomes.push(...(await runSubjects(one, { only, mutants: options.mutants && only === undefined }, context)))
  return showTotal(outcomes, screen)
}
