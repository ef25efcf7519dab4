import { digestOf, type Manifest, RingfenceError } from '@ringfence/core'
import type { PolicyInput } from '@ringfence/workspace'
import { type BoundAgent, pinsOf } from '../agent/bind-agent.ts'
import type { Pins } from '../journal/step.ts'

/** The digests of all that a run is started with. Secrets go in as their names. */
export function pinsOfRun<Context>(
  agents: ReadonlyMap<string, BoundAgent<Context>>,
  policy: PolicyInput | undefined,
  manifest: Manifest,
): Pins {
  return {
    agents: Object.fromEntries([...agents].map(([name, bound]) => [name, pinsOf(bound)])),
    policy: digestOf(policy ?? null),
    manifest: digestOf(manifest),
  }
}

function differences(pinned: Pins, now: Pins): readonly string[] {
  const found: string[] = []
  for (const [name, agent] of Object.entries(pinned.agents)) {
    const other = now.agents[name]
    if (!other) {
      found.push(`the agent "${name}" is not there`)
      continue
    }
    if (other.instructions !== agent.instructions) found.push(`the instructions of the agent "${name}"`)
    if (other.tools !== agent.tools) found.push(`the tools of the agent "${name}"`)
    if (other.output !== agent.output) found.push(`the output type of the agent "${name}"`)
  }
  for (const name of Object.keys(now.agents)) if (!(name in pinned.agents)) found.push(`the agent "${name}" is new`)
  if (now.policy !== pinned.policy) found.push('the policy')
  if (now.manifest !== pinned.manifest) found.push('the manifest')
  return found
}

/** Throws `run.changed` when a run would go on with something else than it was started with. */
export function checkPins(runId: string, pinned: Pins, now: Pins): void {
  const found = differences(pinned, now)
  if (found.length === 0) return
  throw new RingfenceError('run.changed', `The run "${runId}" was started with something else. It differs in: ${found.join(', ')}`, {
    hint: 'Resume with the same definitions, or start a new run.',
    effect: 'none',
    details: { runId, differences: found },
  })
}
