import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Capability,
  type Clock,
  isRingfenceError,
  type JournalStore,
  type Provider,
  RingfenceError,
  systemClock,
  systemRuntime,
} from '@ringfence/core'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, fsJournal, memoryJournal, Runner, type RunnerOptions, SandboxAgent, sweep, tool } from '../src/index.ts'
import { fakeSandbox } from './support/fake-commands.ts'
import { type FakeSandboxes, fakeSandboxes } from './support/fake-sandboxes.ts'
import { gate } from './support/gate.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'
import { steps, writeSteps } from './support/write-steps.ts'

const { start, intent, ready, end } = steps
const LEFT = [start, intent(1), ready(1, 'run_old-s1'), end]
const code = (name: string) => (error: unknown) => isRingfenceError(error) && error.code === name
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'harness-sweep-'))
  folders.push(made)
  return made
}

/** A provider that tells when it ends a sandbox, and may be made to wait with it. */
function telling(world: FakeSandboxes, until: Promise<void> = Promise.resolve()): { provider: Provider; ending: Promise<string> } {
  let tell: (id: string) => void = () => undefined
  const ending = new Promise<string>((resolve) => {
    tell = resolve
  })
  return {
    ending,
    provider: {
      ...world.provider,
      async resume(state, ...rest) {
        const made = await world.provider.resume(state, ...rest)
        return {
          ...made,
          async destroy() {
            tell(state.id)
            await until
            await made.destroy()
          },
        }
      },
    },
  }
}

async function leftBehind(): Promise<{ directory: string; world: FakeSandboxes }> {
  const directory = await folder()
  const world = fakeSandboxes()
  world.sandboxes.set('run_old-s1', fakeSandbox('run_old-s1'))
  await writeSteps(fsJournal({ directory }), 'run_old', LEFT)
  return { directory, world }
}

const agent = () => new Agent({ name: 'A', model: scriptedModel([[say('done')]]) })

/** An agent that uses its sandbox once. */
function looker(): SandboxAgent {
  const look: Capability = {
    name: 'look',
    tools: () => [
      tool({
        name: 'look',
        description: 'Looks.',
        parameters: z.object({}),
        execute: async (_, { workspace }) => (await (await workspace()).exec('look')).stdout,
      }),
    ],
  }
  return new SandboxAgent({ name: 'A', model: scriptedModel([[call('look', {})], [say('done')]]), capabilities: [look] })
}

describe('a runner', () => {
  it('ends what earlier processes left, in the background of its first run, once', async () => {
    const { directory, world } = await leftBehind()
    const { provider, ending } = telling(world)
    let listings = 0
    const plain = fsJournal({ directory })
    const journal: JournalStore = {
      ...plain,
      list() {
        listings += 1
        return plain.list()
      },
    }
    const runner = new Runner({ journal, sandbox: provider })
    expect((await runner.run(agent(), 'go')).finalOutput).toBe('done')
    expect(await ending).toBe('run_old-s1')
    // One that is asked for now comes when the one of the background is over.
    expect(await sweep({ journal, sandbox: provider })).toEqual({ swept: [], kept: [], failed: [] })
    expect(world.sandboxes.get('run_old-s1')?.isAlive).toBe(false)
    await runner.run(agent(), 'go')
    await new Runner({ journal, sandbox: provider }).run(agent(), 'go')
    expect(listings).toBe(2)
  })

  it('waits for nothing of it, and fails by nothing of it', async () => {
    const { directory, world } = await leftBehind()
    const { open, passed } = gate()
    const { provider, ending } = telling(world, passed)
    const journal = fsJournal({ directory })
    expect((await new Runner({ journal, sandbox: provider }).run(agent(), 'go')).finalOutput).toBe('done')
    await ending
    expect((await new Runner({ journal, sandbox: provider }).run(agent(), 'go')).finalOutput).toBe('done')
    open()
    expect((await sweep({ journal, sandbox: provider })).kept).toEqual([])
    expect(world.ended).toEqual(['run_old-s1'])

    let listed: () => void = () => undefined
    const listing = new Promise<void>((resolve) => {
      listed = resolve
    })
    const list = (): never => {
      listed()
      throw new RingfenceError('journal.failed', 'no list')
    }
    const failing = new Runner({ journal: { ...journal, list }, sandbox: provider })
    expect((await failing.run(agent(), 'go')).finalOutput).toBe('done')
    await listing
  })

  it.each<[string, boolean, (world: FakeSandboxes, store: JournalStore) => RunnerOptions]>([
    ['a journal of files', true, ({ provider }, journal) => ({ journal, sandbox: provider })],
    ['a journal in memory', false, ({ provider }) => ({ journal: memoryJournal(), sandbox: provider })],
    ['a provider that cannot look', false, ({ provider }, journal) => ({ journal, sandbox: { ...provider, find: undefined } })],
    ['no provider', false, (_, journal) => ({ journal })],
    ['no journal', false, ({ provider }) => ({ sandbox: provider })],
  ])('with %s sweeps: %s', async (_, isSwept, options) => {
    const { directory, world } = await leftBehind()
    const sleeps: boolean[] = []
    const clock: Clock = {
      ...systemClock,
      sleep(ms, { signal, unref = false } = {}) {
        if (signal === undefined) sleeps.push(unref)
        return systemClock.sleep(ms, { signal, unref })
      },
    }
    const store = fsJournal({ directory })
    await new Runner({ ...options(world, store), runtime: { ...systemRuntime, clock } }).run(agent(), 'go')
    // Its first step is to give way, and none of its waits keeps a process from ending.
    expect(sleeps.length > 0).toBe(isSwept)
    expect(sleeps).not.toContain(false)
    if (isSwept) await sweep({ journal: store, sandbox: world.provider })
  })

  it('that takes up a run which is being swept waits for that, and has its result', async () => {
    const runtime = skewedRuntime()
    const journal = memoryJournal({ runtime })
    const world = fakeSandboxes()
    const { openWorkspace } = world
    // The process dies when the end of the run is recorded, and that of its sandbox is to be.
    const dying: JournalStore = {
      ...journal,
      append: (runId, records) =>
        records.some(({ type }) => type === 'sandbox.release')
          ? Promise.reject(new RingfenceError('journal.failed', 'the process is dead'))
          : journal.append(runId, records),
      release: async () => undefined,
    }
    const died = await new Runner({ openWorkspace, sandbox: world.provider, journal: dying, runtime }).run(looker(), 'go', {
      runId: 'run_x',
    })
    expect([died.finalOutput, String(died.cleanupError)]).toEqual(['done', expect.stringContaining('the process is dead')])
    const left = world.sandboxes.get('run_x-s1')
    if (!left) throw new Error('the run had a sandbox')
    left.isAlive = true
    runtime.skip(31_000)

    const { open, passed } = gate()
    const { provider, ending } = telling(world, passed)
    const sweeping = sweep({ journal, sandbox: provider, runtime })
    await ending
    const waited = gate()
    const clock: Clock = {
      ...runtime.clock,
      sleep(ms, options) {
        if (options?.unref !== true) waited.open()
        return runtime.clock.sleep(ms, options)
      },
    }
    const next = new Runner({ openWorkspace, sandbox: provider, journal, runtime: { ...runtime, clock } })
    const running = next.run(looker(), await next.load(looker(), 'run_x'))
    await Promise.race([waited.passed, running])
    open()
    expect((await sweeping).swept).toEqual([{ runId: 'run_x', intentId: 's1' }])
    expect(await running).toMatchObject({ finalOutput: 'done', cleanupError: undefined })
    expect(world.ended).toEqual(['run_x-s1'])
  })
})

it('the leases of a runner are checked before anything is done, and that of a sandbox reaches it', async () => {
  const journal = memoryJournal()
  for (const options of [
    { leaseMs: 999 },
    { leaseMs: Number.POSITIVE_INFINITY },
    { leaseMs: 60_000, sandboxLifetimeMs: 59_999 },
    { sandboxLifetimeMs: Number.NaN },
  ])
    await expect(new Runner({ journal, ...options }).run(agent(), 'go', { runId: 'run_x' })).rejects.toSatisfy(code('config.invalid'))
  const runs: string[] = []
  for await (const { runId } of journal.list()) runs.push(runId)
  expect(runs).toEqual([])
  for (const [options, expected] of [
    [{}, 120_000],
    [{ leaseMs: 5000, sandboxLifetimeMs: 900_000 }, 900_000],
    [{ leaseMs: 240_000 }, 240_000],
  ] as const) {
    const { openWorkspace, provider, opened } = fakeSandboxes()
    await new Runner({ sandbox: provider, openWorkspace, ...options }).run(looker(), 'go')
    expect(opened.map(({ leaseMs }) => leaseMs)).toEqual([expected])
  }
})
