import { resolve } from 'node:path'
import { RingfenceError, randomId, systemRandom } from '@ringfence/core'
import { DEMO_CHECK, DEMO_TASK, demoRepository } from '../demo/demo-repository.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { drive } from '../main-job/drive.ts'
import { type RunOptions, runOptionsSchema } from '../main-job/run-options.ts'
import { loadRunOptions, saveRunFile } from '../storage/storage.ts'
import type { CommandContext } from './context.ts'

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

const isUrl = (repo: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(repo)

function refuse(message: string, hint: string): never {
  throw new RingfenceError('config.invalid', message, { hint, effect: 'none' })
}

function optionsOf(flags: RunFlags, repo: string, cwd: string): RunOptions {
  const isDemo = flags.repo === undefined
  if (isDemo && flags.apply) refuse('`--apply` needs a repository of yours', 'Name it with --repo.')
  if (!isDemo && !flags.task) refuse('There is no task for this repository', 'Say what to do: --task "...".')
  if (flags.apply && isUrl(repo)) refuse('A repository at a URL cannot be changed here', 'Clone it, and name the folder with --repo.')
  return {
    repo: isUrl(repo) ? repo : resolve(cwd, repo),
    task: flags.task ?? DEMO_TASK,
    provider: flags.provider,
    providerOptions: flags.providerOptions,
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
  const { screen, places, cwd } = context
  const runId = randomId(systemRandom, 'run')
  const demo = flags.repo === undefined ? await demoRepository() : undefined
  let keep = false
  try {
    const options = optionsOf(flags, flags.repo ?? demo?.path ?? '', cwd)
    screen.title(`Run ${runId}`)
    screen.row('task', options.task)
    if (options.nonce) screen.row('nonce', `${options.nonce}: the failing test prints it`)
    await saveRunFile(places, runId, 'json', JSON.stringify(options))
    const code = await drive(runId, options, context)
    keep = code === EXIT_CODES.paused
    return code
  } finally {
    if (!keep) await demo?.remove()
  }
}

/** Decides on what a paused run waits for, and goes on with it. */
export async function approveCommand(runId: string, { reject }: { reject?: string }, context: CommandContext): Promise<number> {
  const { screen, places } = context
  const options = runOptionsSchema.parse(await loadRunOptions(places, runId))
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
