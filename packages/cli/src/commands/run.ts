import { resolve } from 'node:path'
import { RingfenceError, randomId, systemRandom } from '@ringfence/core'
import { DEMO_CHECK, DEMO_TASK } from '../demo/demo-repository.ts'
import { drive } from '../main-job/drive.ts'
import type { RunOptions } from '../main-job/run-options.ts'
import { fromSavedRun } from '../main-job/saved-run.ts'
import { isPackageName } from '../plugins/find-provider.ts'
import { readRunFile, runPath } from '../storage/storage.ts'
import { type CommandContext, parseProviderOptions } from './context.ts'
import { isUrl, repositoryOf } from './repository.ts'

export interface RunFlags {
  readonly repo?: string
  readonly task?: string
  readonly provider: string
  readonly providerOptions?: string
  readonly model?: string
  readonly api: 'responses' | 'chat-completions'
  readonly check?: string
  readonly ask?: boolean
  readonly apply?: boolean
  readonly consent?: boolean
  readonly openNetwork?: boolean
  readonly maxTurns: number
}

export interface ApproveFlags {
  readonly reject?: string
  readonly repo?: string
  readonly provider?: string
  readonly providerOptions?: string
}

function refuse(message: string, hint: string): never {
  throw new RingfenceError('config.invalid', message, { hint, effect: 'none' })
}

const folderOrName = (provider: string, cwd: string): string => (isPackageName(provider) ? provider : resolve(cwd, provider))

function optionsOf(runId: string, flags: RunFlags, { cwd, places }: CommandContext): RunOptions {
  const isDemo = flags.repo === undefined
  if (isDemo && flags.apply) refuse('`--apply` needs a repository of yours', 'Name it with --repo.')
  if (!isDemo && !flags.task) refuse('There is no task for this repository', 'Say what to do: --task "...".')
  if (flags.consent && !flags.apply) refuse('`--consent` goes with `--apply`', 'Add --apply, or leave it out.')
  const repo = flags.repo === undefined ? runPath(places, runId, 'repo') : repositoryOf(flags.repo, cwd)
  if (flags.apply && isUrl(repo)) refuse('A repository at a URL cannot be changed here', 'Clone it, and name the folder with --repo.')
  return {
    repo,
    task: flags.task ?? DEMO_TASK,
    provider: folderOrName(flags.provider, cwd),
    providerOptions: parseProviderOptions(flags.providerOptions),
    model: flags.model,
    api: flags.api,
    isDemo,
    nonce: isDemo ? randomId(systemRandom, 'nonce') : undefined,
    check: flags.check ?? (isDemo ? DEMO_CHECK : undefined),
    ask: flags.ask === true,
    apply: flags.apply === true,
    consent: flags.consent === true,
    openNetwork: flags.openNetwork === true,
    maxTurns: flags.maxTurns,
  }
}

/** Runs the main job: an agent on a copy of a repository, in a sandbox. Without a repository, on the bundled example. */
export async function runCommand(flags: RunFlags, context: CommandContext): Promise<number> {
  const runId = randomId(systemRandom, 'run')
  return drive(runId, optionsOf(runId, flags, context), context)
}

/** Decides on what a paused run waits for, and goes on with it. */
export async function approveCommand(runId: string, flags: ApproveFlags, context: CommandContext): Promise<number> {
  const { screen, places, cwd } = context
  const { reject, repo, provider } = flags
  const options = fromSavedRun(runId, await readRunFile(places, runId), {
    repo: repo === undefined ? undefined : repositoryOf(repo, cwd),
    provider: provider === undefined ? undefined : folderOrName(provider, cwd),
    providerOptions: parseProviderOptions(flags.providerOptions),
  })
  return drive(runId, options, context, async (runner, agent) => {
    const state = await runner.load(agent, runId)
    const waiting = [...state.interruptions]
    if (waiting.length === 0) screen.note('nothing waits for a decision; the run goes on')
    for (const interruption of waiting) {
      screen.row(reject === undefined ? 'approved' : 'rejected', `${interruption.name} ${interruption.arguments.slice(0, 200)}`)
      if (reject === undefined) state.approve(interruption)
      else state.reject(interruption, { message: reject })
    }
    return state
  })
}
