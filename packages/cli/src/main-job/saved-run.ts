import { isAbsolute } from 'node:path'
import { digestOf, type JsonObject, RingfenceError } from '@ringfence/core'
import { quote } from '@ringfence/core/plugin'
import { z } from 'zod'
import { isUrl } from '../commands/repository.ts'
import { isPackageName } from '../plugins/find-provider.ts'
import type { RunOptions } from './run-options.ts'

/** What may name an endpoint, hold a credential or be code: a run keeps the digest alone, and `approve` is given it again. */
const AGAIN = ['repo', 'provider', 'providerOptions'] as const
const FLAGS = { repo: '--repo', provider: '--provider', providerOptions: '--provider-options' } as const

/** What `approve` is given. */
export interface GivenAgain {
  readonly repo?: string | undefined
  readonly provider?: string | undefined
  readonly providerOptions?: JsonObject | undefined
}

const digest = z.string().regex(/^[0-9a-f]{64}$/)

/** Nothing else can stand in the file, so that an altered one sends no key elsewhere. */
const savedRunSchema = z.strictObject({
  again: z.strictObject({ repo: digest, provider: digest, providerOptions: digest }).partial(),
  /** A folder of this machine. */
  repo: z.string().refine(isAbsolute, 'expected the whole path of a folder').optional(),
  /** A package that is installed. */
  provider: z.string().refine(isPackageName, 'expected the name of a package').optional(),
  task: z.string(),
  model: z.string().optional(),
  api: z.enum(['responses', 'chat-completions']),
  isDemo: z.boolean(),
  nonce: z.string().optional(),
  check: z.string().optional(),
  ask: z.boolean(),
  apply: z.boolean(),
  consent: z.boolean(),
  openNetwork: z.boolean(),
  maxTurns: z.int().positive(),
})

type SavedRun = z.output<typeof savedRunSchema>

/** What of the options is not kept. */
function givenAgain({ repo, provider, providerOptions }: Pick<RunOptions, (typeof AGAIN)[number]>): GivenAgain {
  return { repo: isUrl(repo) ? repo : undefined, provider: isPackageName(provider) ? undefined : provider, providerOptions }
}

/** Of each run another one, so that equal options of two runs do not show. */
const digestIn = (runId: string, value: unknown): string => digestOf([runId, value])

/** The options that `approve` has to be given again, as they are written there. */
export function optionsAgain(options: RunOptions): readonly string[] {
  const { repo, provider, providerOptions } = givenAgain(options)
  // Options of a provider may hold a credential, which is not for the screen.
  const shown = { repo: repo && quote(repo), provider: provider && quote(provider), providerOptions: providerOptions && "'(as before)'" }
  return AGAIN.flatMap((name) => (shown[name] === undefined ? [] : [`${FLAGS[name]} ${shown[name]}`]))
}

/** The options as they are kept: without an endpoint and without a credential. */
export function toSavedRun(runId: string, { repo, provider, providerOptions, ...rest }: RunOptions): SavedRun {
  const given = givenAgain({ repo, provider, providerOptions })
  const again: SavedRun['again'] = {}
  for (const name of AGAIN) if (given[name] !== undefined) again[name] = digestIn(runId, given[name])
  return { ...rest, again, repo: again.repo ? undefined : repo, provider: again.provider ? undefined : provider }
}

function refuse(message: string, hint: string): never {
  throw new RingfenceError('run.changed', message, { hint, effect: 'none' })
}

function checkAgain(runId: string, saved: SavedRun, given: GivenAgain): void {
  const missing = AGAIN.filter((name) => saved.again[name] !== undefined && given[name] === undefined).map((name) => FLAGS[name])
  if (missing.length > 0)
    refuse(
      `The run "${runId}" was started with ${missing.join(' and ')}, and keeps no endpoint, no credential and no code`,
      `Give the same again: ringfence approve ${runId} ${missing.map((flag) => `${flag} ...`).join(' ')}`,
    )
  for (const name of AGAIN) {
    const value = given[name]
    const kept = name === 'providerOptions' ? undefined : saved[name]
    if (value === undefined || kept === value || saved.again[name] === digestIn(runId, value)) continue
    refuse(
      `The run "${runId}" was started with another ${FLAGS[name]}, or with none`,
      'Give the one that it was started with, or start a new run.',
    )
  }
}

/**
 * The options that a run goes on with: what is kept, and what is given again.
 *
 * @throws `config.invalid` when the file was altered: something stands in it that has no place there, or is missing; `run.changed` when
 *   what is given is missing or is not what the run was started with.
 */
export function fromSavedRun(runId: string, json: unknown, given: GivenAgain): RunOptions {
  const parsed = savedRunSchema.safeParse(json)
  if (!parsed.success)
    throw altered(runId, parsed.error.issues.map(({ path, message }) => [...path.map(String), message].join(': ')).join('; '))
  checkAgain(runId, parsed.data, given)
  const { again: _digests, repo = given.repo, provider = given.provider, ...rest } = parsed.data
  if (repo === undefined || provider === undefined) throw altered(runId, 'It names no repository or no provider')
  return { model: undefined, nonce: undefined, check: undefined, ...rest, repo, provider, providerOptions: given.providerOptions }
}

function altered(runId: string, what: string): RingfenceError {
  return new RingfenceError('config.invalid', `The file of the run "${runId}" was altered. ${what}`, {
    hint: 'Nothing of it is used. Start a new run.',
    effect: 'none',
  })
}
