import { RingfenceError } from '@ringfence/core'
import {
  formatMutants,
  minimal,
  type ProviderSubject,
  providerMutants,
  providerSuite,
  type RequirementResult,
  runMutants,
  runSuite,
} from '@ringfence/testkit'
import { EXIT_CODES } from '../exit-codes.ts'
import { loadProvider } from '../plugins/load-plugin.ts'
import { type CommandContext, parseJsonOption } from './context.ts'

export interface ConformanceOptions {
  readonly providerOptions?: string
  readonly mutants: boolean
  readonly only?: readonly string[]
}

const MARKS = {
  passed: 'passed',
  refused: 'skipped (not declared; the refusal was checked)',
  'known-failure': 'failed, as is known',
  failed: 'FAILED',
} as const

/** `minimal` and `minimal-resident` are the smallest providers that the contract allows, made from the local one. */
async function subjectOf(name: string, { providerOptions }: ConformanceOptions, { cwd }: CommandContext): Promise<ProviderSubject> {
  const options = providerOptions === undefined ? undefined : parseJsonOption(providerOptions, '--provider-options')
  if (name === 'minimal' || name === 'minimal-resident') {
    return { provider: minimal(await loadProvider('local', options, cwd), { stdin: name === 'minimal' ? 'none' : 'live' }) }
  }
  return { provider: await loadProvider(name, options, cwd) }
}

/** Runs the suite of providers, shows each requirement, and proves the suite by its mutants. */
export async function conformanceCommand(name: string, options: ConformanceOptions, context: CommandContext): Promise<number> {
  const { screen, signal } = context
  const subject = await subjectOf(name, options, context)
  screen.title(`Conformance of ${name} (${subject.provider.profile.name})`)
  const onResult = ({ id, behaviour, outcome, error }: RequirementResult): void => {
    screen.row(outcome === 'failed' ? 'FAILED' : outcome, `${id}  ${outcome === 'passed' ? '' : MARKS[outcome]}`)
    if (error) screen.block(error.message)
    screen.event({ type: 'requirement', id, behaviour, outcome, error: error?.message })
  }
  const report = await runSuite(providerSuite, subject, { only: options.only, onResult, signal })
  let problems: readonly string[] = []
  if (options.mutants) {
    if (options.only)
      throw new RingfenceError('config.invalid', 'The mutants prove the whole suite; `--only` does not go with them', {
        hint: 'Add --no-mutants.',
        effect: 'none',
      })
    screen.title('Mutants: x failed as it should')
    const mutants = await runMutants(providerSuite, providerMutants, subject, { baseline: report, signal })
    screen.block(formatMutants(mutants))
    problems = mutants.problems
    screen.event({ type: 'mutants', ok: mutants.ok, problems: [...problems] })
  }
  const { passed, refused, failed } = report.counts
  screen.event({ type: 'summary', passed, failed: failed + problems.length, skipped: refused })
  screen.note('')
  if (!screen.json) process.stdout.write(`${passed} passed, ${failed + problems.length} failed, ${refused} skipped\n`)
  return failed + problems.length === 0 ? EXIT_CODES.done : EXIT_CODES.failed
}
