import { type Item, type Manifest, normalizePath, RingfenceError } from '@ringfence/core'
import type { Agent } from '../agent/agent.ts'
import { type BoundAgent, bindAgent, capabilitiesOf, reachableAgents } from '../agent/bind-agent.ts'
import { SandboxAgent } from '../agent/sandbox-agent.ts'
import type { Pins } from '../journal/step.ts'
import { mergeManifests, type OwnedManifest } from '../sandbox/merge-manifest.ts'
import { pinsOfRun } from './pins.ts'
import type { RunnerOptions, RunOptions } from './run-options.ts'

/** What a run is made of, checked before anything is done. */
export interface RunSetup<Context> {
  readonly agents: ReadonlyMap<string, BoundAgent<Context>>
  readonly first: Agent<Context, unknown>
  readonly manifest: Manifest
  readonly pins: Pins
  readonly maxTurns: number
  readonly cwd: string | undefined
}

const DEFAULT_MAX_TURNS = 10

function ownedManifests(agents: readonly Agent<never, unknown>[]): readonly OwnedManifest[] {
  return agents.flatMap((agent) => {
    const added = capabilitiesOf(agent).flatMap(({ name, manifest }) => (manifest ? [{ owner: `the capability "${name}"`, manifest }] : []))
    return agent instanceof SandboxAgent ? [{ owner: `the agent "${agent.name}"`, manifest: agent.manifest }, ...added] : added
  })
}

/**
 * Binds the agents of a run. The manifests of all of them are those of its one sandbox.
 *
 * @param journalled what a run that is taken up was started with; it goes before the options.
 * @throws `config.invalid`, `path.*`.
 */
export function setUpRun<Context>(
  first: Agent<Context, unknown>,
  runner: RunnerOptions,
  options: RunOptions<Context>,
  journalled: { readonly cwd: string | null } | undefined,
): RunSetup<Context> {
  const maxTurns = options.maxTurns ?? runner.maxTurns ?? DEFAULT_MAX_TURNS
  if (!Number.isInteger(maxTurns) || maxTurns < 1)
    throw new RingfenceError('config.invalid', `\`maxTurns\` is "${maxTurns}"`, { hint: 'Give a whole number above 0.', effect: 'none' })
  const asked = options.cwd === undefined ? undefined : normalizePath(options.cwd)
  const where = journalled ? (journalled.cwd ?? undefined) : asked
  const found = reachableAgents(first)
  const manifest = mergeManifests(ownedManifests(found))
  const hasPty = options.workspace?.hasPty ?? (runner.sandbox ? runner.sandbox.resolve().facets.pty !== 'never' : false)
  const agents = new Map(found.map((agent) => [agent.name, bindAgent(agent, { model: runner.model, manifest, cwd: where, hasPty })]))
  return { agents, first, manifest, pins: pinsOfRun(agents, runner.policy, manifest), maxTurns, cwd: where }
}

/** The input of a new run as items. Throws `config.invalid` when it is empty. */
export function inputItems(input: string | readonly Item[]): readonly Item[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: [{ type: 'text', text: input }] }]
  if (input.length > 0) return [...input]
  throw new RingfenceError('config.invalid', 'The input of the run is empty', { hint: 'Say what to do.', effect: 'none' })
}
