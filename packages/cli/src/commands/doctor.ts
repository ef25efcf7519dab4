import { execFileSync } from 'node:child_process'
import { ISOLATION_LEVELS, isRingfenceError, type Policy, type Profile, type Provider, RingfenceError, systemClock } from '@ringfence/core'
import { openWorkspace } from '@ringfence/workspace'
import { EXIT_CODES } from '../exit-codes.ts'
import { findProvider, installedProviders } from '../plugins/find-provider.ts'
import { loadInstalled } from '../plugins/load-provider.ts'
import { type CommandContext, type ProviderOptions, parseProviderOptions } from './context.ts'
import { policiesOf } from './policies.ts'
import { tryLoad } from './providers.ts'

const NODE_AT_LEAST = 20

function show(name: string, ok: boolean, text: string, { screen }: CommandContext): boolean {
  screen.result(ok, text)
  screen.event({ type: 'check', name, ok, text })
  return ok
}

function checkNode(context: CommandContext): boolean {
  const ok = Number(process.versions.node.split('.')[0]) >= NODE_AT_LEAST
  return show('node', ok, `Node ${process.versions.node}${ok ? '' : `: install ${NODE_AT_LEAST} or later`}`, context)
}

function checkGit(context: CommandContext): boolean {
  try {
    return show('git', true, execFileSync('git', ['--version'], { encoding: 'utf8' }).trim(), context)
  } catch {
    // It is not there, or does not run: either way it must be installed.
    return show('git', false, 'git is missing: repositories cannot be brought in. Mend: apt-get install -y git', context)
  }
}

function checkModel({ screen }: CommandContext): void {
  const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env
  const name = OPENAI_BASE_URL ? 'OPENAI_BASE_URL' : OPENAI_API_KEY ? 'OPENAI_API_KEY' : undefined
  if (name) screen.result(true, `model: ${name} is set`)
  else screen.note('model: OPENAI_API_KEY is not set; the main job runs with its embedded model')
  screen.event({ type: 'check', name: 'model', ok: true, text: name ? `${name} is set` : 'embedded' })
}

/** Makes a sandbox for real and runs a command in it. Returns what it really was kept apart by, and the time in milliseconds. */
async function tryProvider(provider: Provider, declared: Profile, signal: AbortSignal): Promise<{ isolation: string; ms: number }> {
  const policy: Policy = { minimumIsolation: declared.isolation, egress: declared.egress.tier === 'none' ? 'open' : 'none' }
  const started = systemClock.monotonic()
  await using workspace = await openWorkspace({ sandbox: provider, policy, signal })
  await workspace.exec('true', { signal })
  return { isolation: workspace.isolation, ms: Math.round(systemClock.monotonic() - started) }
}

/** Tells whether a provider can be used here, and which policies hold with it. */
async function checkProvider(id: string, provider: Provider, { screen, signal }: CommandContext): Promise<boolean> {
  const declared = provider.resolve()
  let isolation = declared.isolation
  let failure: RingfenceError | undefined
  try {
    const tried = await tryProvider(provider, declared, signal)
    isolation = ISOLATION_LEVELS.find((level) => level === tried.isolation) ?? isolation
    screen.result(true, `${id}: a sandbox with isolation "${isolation}" ran a command (${tried.ms} ms in all)`)
  } catch (error) {
    signal.throwIfAborted()
    if (!isRingfenceError(error)) throw error
    failure = error
    screen.result(false, error.provider === id ? error.message : `${id}: ${error.message}`)
    if (error.hint) screen.note(`    ${error.hint}`)
  }
  const { can, cannot } = policiesOf(declared, isolation)
  screen.note(`    ${failure ? 'could' : 'can'} enforce: ${can.join(', ')}`)
  if (cannot.length > 0) screen.note(`    cannot: ${cannot.join(', ')}`)
  screen.event({
    type: 'provider',
    id,
    usable: !failure,
    isolation,
    can,
    cannot,
    ...(failure ? { code: failure.code, message: failure.message, hint: failure.hint } : {}),
  })
  return !failure
}

function checkBroken(id: string, reason: string, { screen }: CommandContext): boolean {
  screen.result(false, reason)
  screen.event({ type: 'provider', id, usable: false, message: reason })
  return false
}

/** Those to look at, loaded, or why one cannot be. */
async function providersOf({ provider, providerOptions }: Partial<ProviderOptions>, cwd: string) {
  const options = parseProviderOptions(providerOptions)
  if (provider !== undefined) {
    const installed = findProvider(provider, cwd)
    return [{ id: installed.id, loaded: await loadInstalled(installed, options) }]
  }
  if (options !== undefined)
    throw new RingfenceError('config.invalid', 'Options are those of one provider', { hint: 'Name it with --provider.', effect: 'none' })
  return Promise.all(installedProviders(cwd).map(async (one) => ({ id: one.id, loaded: await tryLoad(one) })))
}

/** Tells what is missing here and the line that mends it. Ends well when one provider can be used. */
export async function doctorCommand(options: Partial<ProviderOptions>, context: CommandContext): Promise<number> {
  const { screen, cwd } = context
  const providers = await providersOf(options, cwd)
  screen.title('This machine')
  const isNodeRight = checkNode(context)
  checkGit(context)
  checkModel(context)
  screen.title('Providers')
  let usable = 0
  if (providers.length === 0) show('providers', false, 'None is installed. Mend: npm i @ringfence/provider-local', context)
  for (const { id, loaded } of providers) {
    const isUsable = typeof loaded === 'string' ? checkBroken(id, loaded, context) : await checkProvider(id, loaded, context)
    if (isUsable) usable += 1
  }
  return usable > 0 && isNodeRight ? EXIT_CODES.done : EXIT_CODES.unavailable
}
