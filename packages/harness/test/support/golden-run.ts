import { type Capability, systemClock } from '@ringfence/core'
import { z } from 'zod'
import { type JournalStore, Runner, SandboxAgent, tool } from '../../src/index.ts'
import { fakeSandboxes } from './fake-sandboxes.ts'
import { call, say, scriptedModel } from './scripted-model.ts'

/** The run whose journal is kept: each type of record that this release writes, with ids and times that never change. */
export const GOLDEN_RUN = 'run_golden'

export const runtime = {
  clock: { ...systemClock, now: () => 1_750_000_000_000 },
  random: { bytes: (length: number) => new Uint8Array(length) },
}

export function goldenRunner(journal: JournalStore) {
  const world = fakeSandboxes()
  const log: Capability = {
    name: 'log',
    manifest: { entries: { 'log.txt': { type: 'file', content: '' } } },
    tools: () => [
      tool({
        name: 'log',
        description: 'Writes a line.',
        parameters: z.object({ line: z.string() }),
        isIdempotent: true,
        execute: async ({ line }, { workspace }) => (await (await workspace()).exec(line)).stdout,
      }),
    ],
  }
  const long = tool({ name: 'long', description: 'Says much.', parameters: z.object({}), execute: () => 'x'.repeat(70_000) })
  const act = tool({ name: 'act', description: 'Acts.', parameters: z.object({}), needsApproval: true, execute: () => 'acted' })
  const model = scriptedModel([
    [{ type: 'reasoning', id: 'r1', summary: ['think'], raw: { encrypted_content: 'abc' } }, call('log', { line: 'one' })],
    [call('long', {})],
    [call('transfer_to_b', {})],
    [call('act', {}, 'c1'), call('act', {}, 'c2')],
    [{ type: 'message', role: 'assistant', id: 'm1', text: 'done', phase: 'final_answer' }],
    [say('unused')],
  ])
  const b = new SandboxAgent({ name: 'B', model, instructions: 'You are B.', tools: [act], capabilities: [] })
  const agent = new SandboxAgent({ name: 'A', model, instructions: 'You are A.', tools: [long], capabilities: [log], handoffs: [b] })
  const runner = new Runner({
    sandbox: world.provider,
    snapshots: world.snapshots,
    openWorkspace: world.openWorkspace,
    policy: { egress: 'none' },
    journal,
    runtime,
  })
  return { world, agent, model, runner }
}
