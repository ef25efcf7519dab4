import { execFileSync } from 'node:child_process'
import { isRingfenceError, LIMIT_NAMES, type Provider, systemClock } from '@ringfence/core'
import { openWorkspace } from '@ringfence/workspace'
import { EXIT_CODES } from '../exit-codes.ts'
import type { CommandContext } from './context.ts'
import { installedProviders, tryLoad } from './providers.ts'

const NODE_AT_LEAST = 20

function checkNode({ screen }: CommandContext): boolean {
  const ok = Number(process.versions.node.split('.')[0]) >= NODE_AT_LEAST
  screen.result(ok, `Node ${process.versions.node}${ok ? '' : `: install ${NODE_AT_LEAST} or later`}`)
  return ok
}

function checkGit({ screen }: CommandContext): boolean {
  try {
    screen.result(true, execFileSync('git', ['--version'], { encoding: 'utf8' }).trim())
    return true
  } catch {
    // It is not there, or does not run: either way it must be installed.
    screen.result(false, 'git is missing: repositories cannot be brought in. Mend: apt-get install -y git')
    return false
  }
}

function checkModel({ screen }: CommandContext): void {
  const { OPENAI_API_KEY, OPENAI_BASE_URL } = process.env
  if (OPENAI_API_KEY || OPENAI_BASE_URL) screen.result(true, `model: ${OPENAI_BASE_URL ? 'OPENAI_BASE_URL' : 'OPENAI_API_KEY'} is set`)
  else screen.note('model: OPENAI_API_KEY is not set; the main job runs with its embedded model')
}

/** Makes a sandbox for real, runs a command in it, and tells which policies hold. */
async function checkProvider(id: string, provider: Provider, { screen, signal }: CommandContext): Promise<boolean> {
  const declared = provider.resolve()
  try {
    const policy = { minimumIsolation: declared.isolation, egress: declared.egress.tier === 'none' ? ('open' as const) : ('none' as const) }
    const started = systemClock.monotonic()
    const workspace = await openWorkspace({ sandbox: provider, policy, signal })
    let isolation = ''
    try {
      await workspace.exec('true')
      isolation = workspace.isolation
    } finally {
      await workspace.destroy()
    }
    const { egress, limits } = declared

    const cannot = [
      ...LIMIT_NAMES.filter((name) => !limits.includes(name)).map((name) => `limits.${name}`),
      'egress: a list of hosts',
      ...(egress.tier === 'none' ? ['egress: none'] : []),
      ...(egress.open === false ? ['egress: open'] : []),
    ]
    screen.result(
      true,
      `${id}: a sandbox with isolation "${isolation}" ran a command (${Math.round(systemClock.monotonic() - started)} ms in all)`,
    )
    screen.note(
      `    can enforce: isolation ${isolation}, ${egress.tier === 'none' ? '' : 'egress none, '}${limits.map((name) => `limits.${name}`).join(', ')}`,
    )
    screen.note(`    cannot: ${cannot.join(', ')}`)
    screen.event({ type: 'provider', id, usable: true, isolation, cannot })
    return true
  } catch (error) {
    if (!isRingfenceError(error)) throw error
    screen.result(false, `${id}: ${error.message}`)
    if (error.hint) screen.note(`    ${error.hint}`)
    screen.event({ type: 'provider', id, usable: false, code: error.code, message: error.message, hint: error.hint })
    return false
  }
}

/** Tells what is missing here and the line that mends it. Ends well when one provider can be used. */
export async function doctorCommand(context: CommandContext): Promise<number> {
  const { screen, cwd } = context
  screen.title('This machine')
  const base = [checkNode(context), checkGit(context)]
  checkModel(context)
  screen.title('Providers')
  let usable = 0
  const ids = installedProviders(cwd)
  if (ids.length === 0) screen.result(false, 'None is installed. Mend: npm i @ringfence/provider-local')
  for (const id of ids) {
    const provider = await tryLoad(id, cwd)
    if (typeof provider === 'string') screen.result(false, provider)
    else if (await checkProvider(id, provider, context)) usable += 1
  }
  return usable > 0 && base[0] ? EXIT_CODES.done : EXIT_CODES.unavailable
}
