import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Capability, isRingfenceError, type JournalStore } from '@ringfence/core'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fsJournal, memoryJournal, Runner, type RunResult, SandboxAgent, tool } from '../src/index.ts'
import { dyingStore } from './support/dying-store.ts'
import { type FakeSandboxes, fakeSandboxes } from './support/fake-sandboxes.ts'
import { readAll } from './support/records.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'
import { tracked } from './support/tracked-store.ts'

const RUN = 'run_x'

/** What the world outside of the process remembers. */
interface World {
  readonly sandboxes: FakeSandboxes
  readonly charged: string[]
  readonly notified: Set<string>
  readonly deployed: string[]
}

const newWorld = (): World => ({ sandboxes: fakeSandboxes(), charged: [], notified: new Set(), deployed: [] })

function engineer(world: World) {
  const log: Capability = {
    name: 'log',
    tools: () => [
      tool({
        name: 'log',
        description: 'Writes a line.',
        parameters: z.object({ line: z.string() }),
        isIdempotent: true,
        execute: async ({ line }, call) => (await (await call.workspace()).exec(line)).stdout,
      }),
    ],
  }
  const charge = tool({
    name: 'charge',
    description: 'Takes money.',
    parameters: z.object({}),
    execute: (_, { idempotencyKey }) => {
      world.charged.push(idempotencyKey)
      return 'charged'
    },
  })
  const notify = tool({
    name: 'notify',
    description: 'Writes a mail.',
    parameters: z.object({}),
    isIdempotent: true,
    execute: (_, { idempotencyKey }) => {
      world.notified.add(idempotencyKey)
      return 'x'.repeat(70_000)
    },
  })
  const deploy = tool({
    name: 'deploy',
    description: 'Goes live.',
    parameters: z.object({}),
    needsApproval: true,
    execute: (_, { idempotencyKey }) => {
      world.deployed.push(idempotencyKey)
      return 'live'
    },
  })
  const model = scriptedModel([
    [call('log', { line: 'one' }), call('charge', {})],
    [call('notify', {}), call('deploy', {})],
    [call('log', { line: 'two' })],
    [say('done')],
  ])
  return { model, agent: new SandboxAgent({ name: 'E', model, tools: [charge, notify, deploy], capabilities: [log], runAs: 'worker' }) }
}

/** One process: it begins the run or takes it up, decides what is asked, and goes on to the end. */
async function live(
  world: World,
  store: JournalStore,
  runtime: ReturnType<typeof skewedRuntime>,
): Promise<{ result: RunResult; asked: number }> {
  const { agent, model } = engineer(world)
  const { provider, snapshots, openWorkspace } = world.sandboxes
  const runner = new Runner({ sandbox: provider, snapshots, journal: store, runtime, openWorkspace })
  let result: RunResult | undefined
  try {
    const state = await runner.load(agent, RUN)
    decide(world, state)
    result = await runner.run(agent, state)
  } catch (error) {
    if (!isRingfenceError(error, 'run.not-found')) throw error
    result = await runner.run(agent, 'go', { runId: RUN })
  }
  while (result.status === 'paused') {
    decide(world, result.state)
    result = await runner.run(agent, result.state)
  }
  return { result, asked: model.requests.length }
}

/** A person who looks at the books before saying that something may be done again. */
function decide(world: World, state: RunResult['state']): void {
  for (const interruption of state.interruptions) {
    const key = `${RUN}.${interruption.callId}`
    const wasDone = [...world.charged, ...world.deployed].includes(key)
    if (interruption.kind === 'unknown-outcome' && wasDone) state.reject(interruption, { message: 'it was done' })
    else state.approve(interruption)
  }
}

function check(world: World, result: RunResult): void {
  expect([result.status, result.finalOutput, result.cleanupError]).toEqual(['completed', 'done', undefined])
  expect(world.charged).toEqual([`${RUN}.1.1`])
  expect(world.deployed).toEqual([`${RUN}.2.1`])
  expect([...world.notified]).toEqual([`${RUN}.2.0`])
  const all = [...world.sandboxes.sandboxes.values()]
  expect(all.map(({ log, isAlive }) => ({ log, isAlive }))).toEqual([{ log: ['one', 'two'], isAlive: false }])
  expect(world.sandboxes.handles()).toBe(0)
  expect(result.snapshot?.id).toMatch(/[1-9]$/)
}

const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

const stores: Record<string, (runtime: ReturnType<typeof skewedRuntime>) => Promise<() => JournalStore>> = {
  async memory(runtime) {
    const store = memoryJournal({ runtime })
    return () => store
  },
  async fs(runtime) {
    const directory = await mkdtemp(join(tmpdir(), 'harness-recovery-'))
    folders.push(directory)
    // Each process opens the files anew.
    return () => tracked(fsJournal({ directory, runtime }))
  },
}

describe.each(Object.entries(stores))('a run in a %s journal', (_, make) => {
  it.each(['before', 'after'] as const)('stopped %s each append and taken up ends alike, with nothing doubled', async (when) => {
    const plain = newWorld()
    const plainRuntime = skewedRuntime()
    const counting = dyingStore((await make(plainRuntime))(), Number.POSITIVE_INFINITY, when)
    const { asked } = await (async () => {
      const { result, asked: requests } = await live(plain, counting, plainRuntime)
      check(plain, result)
      return { asked: requests }
    })()
    expect(asked).toBe(4)
    expect(counting.appends()).toBeGreaterThan(8)
    const began = (await readAll(counting, RUN)).flatMap(({ type, body }) => (type === 'op.started' ? [body.opId] : []))
    expect(began).toEqual([`${RUN}.1.0.as.worker`, `${RUN}.1.0.1`, `${RUN}.3.0.1`])

    for (let at = 1; at <= counting.appends(); at += 1) {
      const world = newWorld()
      const runtime = skewedRuntime()
      const open = await make(runtime)
      const dying = dyingStore(open(), at, when)
      const died = await live(world, dying, runtime).then(
        // The end was durable, and only the end of the sandbox was not recorded.
        ({ result }) => result.cleanupError,
        (error: unknown) => error,
      )
      expect(String(died), `append ${at}`).toContain('the process is dead')
      runtime.skip(31_000)
      const { result } = await live(world, open(), runtime)
      check(world, result)
      // Whatever was answered durably is not asked for again: at most one question more than there are turns.
      expect(result.usage.requests - 4, `append ${at}`).toBeLessThanOrEqual(1)
      expect(result.usage.inputTokens).toBe(40)
    }
  })
})
