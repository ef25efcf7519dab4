import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { type ManifestInput, type Policy, type Provider, parseManifest, systemRandom } from '@ringfence/core'
import { quote } from '@ringfence/core/plugin'
import { fsJournal, Runner, type RunState, type SandboxAgent } from '@ringfence/harness'
import { fsSnapshots } from '@ringfence/snapshot-store-fs'
import { jsonlTracer } from '@ringfence/tracer-jsonl'
import { checkSources, type Workspace } from '@ringfence/workspace'
import { type CommandContext, policyOf } from '../commands/context.ts'
import { repositoryManifest } from '../commands/repository.ts'
import { makeDemoRepository, removeDemoRepository } from '../demo/demo-repository.ts'
import { EXIT_CODES } from '../exit-codes.ts'
import { loadProvider } from '../plugins/load-provider.ts'
import { runPath, saveRunFile } from '../storage/storage.ts'
import { applyPatch } from './apply-patch.ts'
import { type ChosenModel, chooseModel } from './choose-model.ts'
import { engineer } from './engineer.ts'
import { probeWalls, showProbes } from './probe-walls.ts'
import type { RunOptions } from './run-options.ts'
import { optionsAgain, toSavedRun } from './saved-run.ts'
import { eventView } from './show-events.ts'

/** What the sandbox was asked before it ended. */
interface Harvest {
  wallsStand: boolean
  checkPassed: boolean | undefined
  patch: string | undefined
}

/** Runs what tells whether the task is done, and takes the diff. */
async function harvest(workspace: Workspace, options: RunOptions, { screen, signal }: CommandContext, into: Harvest): Promise<void> {
  if (options.check !== undefined) {
    screen.title('Check')
    screen.row('$', options.check)
    const { exitCode, stdout, stderr } = await workspace.exec(options.check, { cwd: 'repo', signal, timeoutMs: 300_000 })
    into.checkPassed = exitCode === 0
    screen.result(into.checkPassed, `exit ${exitCode}`)
    if (!into.checkPassed) screen.block((stdout + stderr).split('\n').slice(-12).join('\n'))
    screen.event({ type: 'check', command: options.check, exitCode })
  }
  into.patch = await workspace.diff('repo')
}

function showPlaces(options: RunOptions, model: string, provider: Provider, { screen }: CommandContext, policy: Policy): void {
  const { name, isolation, egress } = provider.resolve()
  screen.title('What runs where')
  screen.row('harness', `this process, ${process.pid}: the agent loop, the keys, the journal`)
  screen.row('sandbox', `${name}: isolation ${isolation}, network ${policy.egress === 'open' ? 'open' : `none, by ${egress.enforcedBy}`}`)
  screen.row('model', model)
  screen.row('repository', `${options.isDemo ? 'the bundled example' : options.repo}, as a copy without remotes, configuration and hooks`)
}

/** Makes and keeps what a new run needs, when all that can be refused was. */
async function begin(
  runId: string,
  options: RunOptions,
  manifest: ManifestInput,
  { screen, places, signal }: CommandContext,
): Promise<void> {
  if (options.isDemo) await makeDemoRepository(options.repo)
  // A source that is not there is told before the model is asked.
  await checkSources(parseManifest(manifest), signal)
  await saveRunFile(places, runId, 'json', JSON.stringify(toSavedRun(runId, options)))
  screen.title(`Run ${runId}`)
  screen.row('task', options.task)
  if (options.nonce) screen.row('nonce', `${options.nonce}: the failing test prints it`)
}

export type Resume = (runner: Runner, agent: SandboxAgent) => Promise<RunState>

/** Starts a run, or goes on with one; shows it; and tells by its exit code how it ended. */
export async function drive(runId: string, options: RunOptions, context: CommandContext, resume?: Resume): Promise<number> {
  const sandbox = await loadProvider(options.provider, options.providerOptions, context.cwd)
  const chosen = await chooseModel({ name: options.model, api: options.api, isDemo: options.isDemo, env: process.env })
  // A run that waited goes on waiting when this fails.
  let code: number = resume ? EXIT_CODES.paused : EXIT_CODES.failed
  try {
    code = await driveWith({ runId, options, sandbox, chosen, resume }, context)
    return code
  } finally {
    await chosen.close()
    if (options.isDemo && code !== EXIT_CODES.paused) await removeDemoRepository(runPath(context.places, runId, 'repo'))
  }
}

interface DriveParts {
  readonly runId: string
  readonly options: RunOptions
  readonly sandbox: Provider
  readonly chosen: ChosenModel
  readonly resume: Resume | undefined
}

async function driveWith({ runId, options, sandbox, chosen, resume }: DriveParts, context: CommandContext): Promise<number> {
  const { screen, places, signal } = context
  const manifest = repositoryManifest(options.repo, options.nonce === undefined ? {} : { RINGFENCE_NONCE: options.nonce })
  // A run that goes on may have its source in its sandbox alone.
  if (!resume) await begin(runId, options, manifest, context)
  const policy = policyOf({ openNetwork: options.openNetwork })
  const harvested: Harvest = { wallsStand: true, checkPassed: undefined, patch: undefined }
  const view = eventView(screen)
  const trace = join(places.traces, `${runId}.jsonl`)
  const tracer = jsonlTracer({ file: trace })
  const agent = engineer({ model: chosen.model, manifest, ask: options.ask })
  const runner = new Runner({
    sandbox,
    policy,
    snapshots: fsSnapshots({ directory: places.snapshots }),
    journal: fsJournal({ directory: places.journals }),
    tracer,
    sandboxHooks: {
      async ready(workspace) {
        const probes = await probeWalls(workspace, policy, systemRandom)
        harvested.wallsStand = probes.every(({ held }) => held)
        view.afterResult(() => showProbes(probes, screen))
      },
      ending: (workspace) => harvest(workspace, options, context, harvested),
    },
  })
  showPlaces(options, chosen.description, sandbox, context, policy)
  const input = resume ? await resume(runner, agent) : options.task
  const stream = await runner.run(agent, input, { stream: true, signal, maxTurns: options.maxTurns, runId })
  for await (const event of stream) view.show(event)
  const result = await stream.completed
  await tracer.shutdown?.()
  return finish(runId, options, context, { result, harvested, trace })
}

interface Ended {
  readonly result: {
    readonly status: 'completed' | 'paused'
    readonly usage: { readonly requests: number; readonly inputTokens: number; readonly outputTokens: number }
    readonly snapshot?: { readonly id: string } | undefined
  }
  readonly harvested: Harvest
  readonly trace: string
}

async function finish(runId: string, options: RunOptions, context: CommandContext, { result, harvested, trace }: Ended): Promise<number> {
  const { screen, places } = context
  const { usage, snapshot, status } = result
  const { patch = '', checkPassed, wallsStand } = harvested
  const patchFile = await saveRunFile(places, runId, 'patch', patch)
  if (status === 'completed') {
    screen.title('Diff')
    if (patch.trim() === '') screen.note('nothing was changed')
    else screen.diff(patch)
  }
  screen.title('Kept')
  screen.row('usage', `${usage.requests} requests, ${usage.inputTokens} tokens in, ${usage.outputTokens} out`)
  screen.row('journal', join(places.journals, runId))
  screen.row('snapshot', snapshot ? snapshot.id : 'none')
  screen.row('trace', (await exists(trace)) ? trace : 'none')
  screen.row('patch', patchFile)
  const applied =
    status === 'completed' && options.apply ? await applyPatch({ repository: options.repo, patch, consent: options.consent }) : undefined
  if (applied) screen.result(true, `applied to ${options.repo}: ${applied.join(', ') || 'nothing'}`)
  showNext(runId, options, context, status, patchFile)
  const isDone = status === 'completed' && wallsStand && (options.check === undefined || checkPassed === true)
  screen.event({
    type: 'result',
    runId,
    status,
    done: isDone,
    wallsStand,
    checkPassed: checkPassed ?? null,
    patchFile,
    snapshot: snapshot?.id ?? null,
    applied: applied ? [...applied] : null,
  })
  if (status === 'paused') return EXIT_CODES.paused
  return isDone ? EXIT_CODES.done : EXIT_CODES.failed
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function showNext(runId: string, options: RunOptions, { screen }: CommandContext, status: string, patchFile: string): void {
  screen.title('Next')
  if (status === 'paused') {
    const line = ['npx ringfence approve', runId, ...optionsAgain(options)].join(' ')
    screen.row('go on', line)
    screen.row('or not', `${line} --reject "why"`)
  }
  if (!options.isDemo && status === 'completed') screen.row('apply', `git -C ${quote(options.repo)} apply ${quote(patchFile)}`)
  screen.row('your own', 'npx ringfence run --repo PATH --task "what to do" --model NAME')
  screen.row('look', `npx ringfence shell --repo ${options.isDemo ? 'PATH' : quote(options.repo)}`)
  screen.row('check', 'npx ringfence doctor')
}
