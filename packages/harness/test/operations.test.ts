import { type Capability, type JournalRecord, type JournalStore, RingfenceError } from '@ringfence/core'
import type { WorkspaceState } from '@ringfence/workspace'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memoryJournal, Runner, type RunnerOptions, type RunState, SandboxAgent, type ToolCall, tool } from '../src/index.ts'
import { receiptsOf } from './support/fake-commands.ts'
import { type FakeSandboxes, fakeSandboxes } from './support/fake-sandboxes.ts'
import { gate } from './support/gate.ts'
import { readAll } from './support/records.ts'
import { type Answer, call, say, scriptedModel } from './support/scripted-model.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'

const RUN = 'run_x'

type Act = (args: { line: string }, call: ToolCall) => Promise<string>

const exec: Act = async ({ line }, { workspace }) => (await (await workspace()).exec(line)).stdout

interface WorkerOptions {
  readonly runAs?: string | undefined
  readonly isIdempotent?: boolean
}

/** An agent whose capability does what a test says; what it does in the sandbox can be found again. */
function worker(answers: readonly Answer[], act: Act = exec, { runAs, isIdempotent = true }: WorkerOptions = {}): SandboxAgent {
  const inside: Capability = {
    name: 'inside',
    tools: () => [
      tool({
        name: 'act',
        description: 'Acts in the sandbox.',
        parameters: z.object({ line: z.string() }),
        isIdempotent,
        execute: (args, toolCall) => act(args, toolCall),
      }),
    ],
  }
  return new SandboxAgent({ name: 'A', model: scriptedModel(answers), capabilities: [inside], runAs })
}

function runnerOf(world: FakeSandboxes, options: RunnerOptions): Runner {
  return new Runner({ sandbox: world.provider, snapshots: world.snapshots, openWorkspace: world.openWorkspace, ...options })
}

/** A store that tells of each append. */
function watched(journal: JournalStore, onAppend: (records: readonly JournalRecord[]) => void): JournalStore {
  return {
    ...journal,
    async append(runId, records) {
      await journal.append(runId, records)
      onAppend(records)
    },
  }
}

const started = (records: readonly JournalRecord[]) => records.filter(({ type }) => type === 'op.started')

describe('that a command began', () => {
  it('is written beside the end of its call, in the same append', async () => {
    const appends: string[][] = []
    const journal = memoryJournal()
    const world = fakeSandboxes()
    const runner = runnerOf(world, { journal: watched(journal, (records) => appends.push(records.map(({ type }) => type))) })
    await runner.run(worker([[call('act', { line: 'one' })], [say('done')]]), 'go', { runId: RUN })
    const records = await readAll(journal, RUN)
    const begin = records.find(({ type }) => type === 'tool.begin')
    expect(started(records)).toMatchObject([
      {
        parent: begin?.recordId,
        body: { callId: '1.0', opId: `${RUN}.1.0.1`, sandboxId: `${RUN}-s1`, generation: 1, controlToken: `${RUN}-s1-place0` },
      },
    ])
    expect(appends).toContainEqual(['op.started', 'tool.end', 'model.begin'])
  })

  it('is durable while it goes on, before its call ends', async () => {
    const { open, passed } = gate()
    const ended = gate()
    const journal = memoryJournal()
    const world = fakeSandboxes()
    const runner = runnerOf(world, {
      journal: watched(journal, (records) => {
        if (started(records).length > 0) open()
      }),
    })
    const act: Act = async ({ line }, { workspace }) => {
      await (await workspace()).spawn(line)
      await ended.passed
      return 'it goes on'
    }
    const running = runner.run(worker([[call('act', { line: 'stand' })], [say('done')]], act), 'go', { runId: RUN })
    await Promise.race([passed, running])
    expect((await readAll(journal, RUN)).map(({ type }) => type)).not.toContain('tool.end')
    ended.open()
    expect((await running).finalOutput).toBe('done')
  })
})

/**
 * Runs until a command has begun, its call has not ended, and both are durable; then the process dies.
 *
 * @returns what a process that comes later has.
 */
async function dieWithin(options: WorkerOptions = {}) {
  const runtime = skewedRuntime()
  const journal = memoryJournal({ runtime })
  const world = fakeSandboxes()
  const answers = [[call('act', { line: 'one' }, 'a'), call('act', { line: 'two' }, 'b')], [say('done')]]
  const first = gate()
  // The one call goes on; the end of the other carries with it that the command of the first began.
  const act: Act = async (args, toolCall) => {
    if (args.line === 'two') await first.passed
    const stdout = await exec(args, toolCall)
    if (args.line === 'one') {
      first.open()
      await new Promise((_, reject) => toolCall.signal.addEventListener('abort', () => reject(toolCall.signal.reason)))
    }
    return stdout
  }
  const records: JournalRecord[] = []
  const store = watched(journal, (appended) => records.push(...appended))
  const stop = new AbortController()
  const dead: JournalStore = {
    ...store,
    async append(runId, appended) {
      if (stop.signal.aborted) throw new Error('the process is dead')
      await store.append(runId, appended)
      if (appended.some(({ type, body }) => type === 'tool.end' && body.callId === '1.1')) stop.abort(new Error('the process is dead'))
    },
    release: async () => undefined,
  }
  await expect(
    runnerOf(world, { journal: dead, runtime }).run(worker(answers, act, options), 'go', { runId: RUN, signal: stop.signal }),
  ).rejects.toThrow('the process is dead')
  expect(started(records).map(({ body }) => body.callId)).toContain('1.0')
  expect(records.filter(({ type }) => type === 'tool.end').map(({ body }) => body.callId)).toEqual(['1.1'])
  runtime.skip(31_000)
  const again = async (openWorkspace = world.openWorkspace, state?: RunState) => {
    const runner = runnerOf(world, { journal, runtime, openWorkspace })
    const agent = worker(answers, exec, options)
    return runner.run(agent, state ?? (await runner.load(agent, RUN)))
  }
  return { world, again }
}

const outputsOf = (items: readonly { type: string }[]): string[] =>
  items.flatMap((item) => (item.type === 'tool_result' && 'output' in item ? [String(item.output)] : []))

describe('a call that is made again', () => {
  it.each([undefined, 'worker'])('joins its command by the receipt, as the user %s', async (runAs) => {
    const { world, again } = await dieWithin({ runAs })
    const result = await again()
    expect(result.finalOutput).toBe('done')
    expect(outputsOf(result.newItems)).toEqual(['one', 'one,two'])
    expect(world.commands.map(({ command, user }) => [command, user])).toEqual([
      ['one', runAs],
      ['two', runAs],
    ])
  })

  it('finds the place of a user, which is durable before a command of that user runs', async () => {
    const journal = memoryJournal()
    const world = fakeSandboxes()
    const places: (readonly unknown[])[] = []
    const openWorkspace: RunnerOptions['openWorkspace'] = async (options) => {
      const workspace = await world.openWorkspace(options)
      const inside = workspace.restricted()
      return {
        ...workspace,
        get state() {
          return workspace.state
        },
        restricted: () => ({
          ...inside,
          async exec(line, given) {
            if (line === 'one') places.push(started(await readAll(journal, RUN)).map(({ body }) => body.opId))
            return inside.exec(line, given)
          },
        }),
      }
    }
    const answers = [[call('act', { line: 'one' }, 'a'), call('act', { line: 'one' }, 'b')], [say('done')]]
    await runnerOf(world, { journal, openWorkspace }).run(worker(answers, exec, { runAs: 'worker' }), 'go', { runId: RUN })
    expect(places).toEqual([[`${RUN}.1.0.as.worker`], [`${RUN}.1.0.as.worker`]])
  })

  it('does not run again what began and left no receipt', async () => {
    const { world, again } = await dieWithin()
    for (const { places } of world.sandboxes.values()) for (const place of places.values()) place.clear()
    const result = await again()
    expect(outputsOf(result.newItems)[0]).toContain('has no receipt')
    expect(world.commands.map(({ command }) => command)).toEqual(['one', 'two'])
  })

  it.each([
    ['another sandbox', (state: WorkspaceState) => ({ ...state, sandbox: { ...state.sandbox, id: 'other' } })],
    [
      'another life of it',
      (state: WorkspaceState) => ({
        ...state,
        control: { ...state.control, entries: state.control.entries.map((entry) => ({ ...entry, token: 'another' })) },
      }),
    ],
  ])('does not run again what began in %s', async (_, change) => {
    const { world, again } = await dieWithin()
    const result = await again(async (options) => {
      const workspace = await world.openWorkspace(options)
      return { ...workspace, state: change(workspace.state) }
    })
    expect(outputsOf(result.newItems)[0]).toContain('it began in another sandbox, or in another life of this one')
    expect(world.commands.map(({ command }) => command)).toEqual(['one', 'two'])
  })

  it('runs again what a person wants to be made again', async () => {
    const { world, again } = await dieWithin({ isIdempotent: false })
    for (const { places } of world.sandboxes.values()) for (const place of places.values()) place.clear()
    const paused = await again()
    expect(paused.interruptions.map(({ kind }) => kind)).toEqual(['unknown-outcome'])
    for (const one of paused.interruptions) paused.state.approve(one)
    const result = await again(undefined, paused.state)
    expect(outputsOf(result.newItems)).toEqual(['one,two,one', 'one,two'])
    expect(world.commands.map(({ command }) => command)).toEqual(['one', 'two', 'one'])
  })
})

describe('the receipts of a run', () => {
  const turns = (count: number, line = 'one'): Answer[] => [...Array.from({ length: count }, () => [call('act', { line })]), [say('done')]]
  const receiptsAtEnd = async (count: number, act?: Act) => {
    const world = fakeSandboxes()
    let left: string[] = []
    const ending = async (): Promise<void> => {
      left = [...world.sandboxes.values()].flatMap(receiptsOf)
    }
    const runner = runnerOf(world, { maxTurns: count + 1, sandboxHooks: { ending } })
    const result = await runner.run(worker(turns(count), act), 'go', { runId: RUN })
    expect(result.finalOutput).toBe('done')
    return { left, world }
  }

  it('are forgotten in batches once the ends of their calls are durable, never before', async () => {
    const journal = memoryJournal()
    const durable = new Set<string>()
    const world = fakeSandboxes()
    const forgotten: string[][] = []
    const openWorkspace: RunnerOptions['openWorkspace'] = async (options) => {
      const workspace = await world.openWorkspace(options)
      return {
        ...workspace,
        state: workspace.state,
        async forget(opIds) {
          forgotten.push([...opIds])
          for (const opId of opIds) expect(durable).toContain(opId.split('.').slice(1, 3).join('.'))
          await workspace.forget(opIds)
        },
      }
    }
    const store = watched(journal, (records) => {
      for (const { type, body } of records) if (type === 'tool.end') durable.add(String(body.callId))
    })
    const runner = runnerOf(world, { journal: store, openWorkspace, maxTurns: 51 })
    expect((await runner.run(worker(turns(50)), 'go', { runId: RUN })).finalOutput).toBe('done')
    expect(forgotten.map(({ length }) => length)).toEqual([16, 16, 16])
    expect(new Set(forgotten.flat()).size).toBe(48)
  })

  it('stay of what goes on, and of what a tool gave an id of its own', async () => {
    const act: Act = async (_, { workspace, callId }) => {
      const inside = await workspace()
      await inside.exec('one')
      await inside.exec('once', { opId: 'shared' })
      if (callId === '1.0') await inside.spawn('stand')
      return 'ok'
    }
    const { left, world } = await receiptsAtEnd(40, act)
    expect(left).toEqual(expect.arrayContaining(['shared', `${RUN}.1.0.2`]))
    expect(left.length).toBeLessThan(20)
    expect(world.commands.filter(({ command }) => command === 'once')).toHaveLength(1)
  })

  it('that cannot be forgotten end no run', async () => {
    const world = fakeSandboxes()
    let tries = 0
    const openWorkspace: RunnerOptions['openWorkspace'] = async (options) => {
      const workspace = await world.openWorkspace(options)
      return {
        ...workspace,
        state: workspace.state,
        async forget() {
          tries += 1
          throw new RingfenceError('provider.failed', 'the connection broke')
        },
      }
    }
    const runner = runnerOf(world, { openWorkspace, maxTurns: 41 })
    expect((await runner.run(worker(turns(40)), 'go')).finalOutput).toBe('done')
    expect(tries).toBe(2)
  })
})
