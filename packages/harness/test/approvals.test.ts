import { type AuditEvent, isRingfenceError, type JournalStore } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, memoryJournal, Runner, run, tool } from '../src/index.ts'
import { dyingStore } from './support/dying-store.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'

const code = (name: string) => (error: unknown) => isRingfenceError(error) && error.code === name

function banker(done: string[] = []) {
  const pay = tool({
    name: 'pay',
    description: 'Pays.',
    parameters: z.object({ amount: z.number() }),
    needsApproval: ({ amount }) => amount > 10,
    execute({ amount }) {
      done.push(`pay ${amount}`)
      return `paid ${amount}`
    },
  })
  const model = scriptedModel([
    [call('pay', { amount: 5 }, 'a'), call('pay', { amount: 50 }, 'b'), call('pay', { amount: 500 }, 'c')],
    [say('done')],
  ])
  return { agent: new Agent({ name: 'Banker', model, tools: [pay] }), model, done }
}

async function typesOf(store: JournalStore, runId: string): Promise<string[]> {
  const types: string[] = []
  for await (const record of store.read(runId)) types.push(record.type)
  return types
}

describe('an approval', () => {
  it('pauses the run, lets what needs none run, and goes on with what was decided', async () => {
    const { agent, done, model } = banker()
    const first = await run(agent, 'pay')
    expect(first.status).toBe('paused')
    expect(first.finalOutput).toBeUndefined()
    expect(done).toEqual(['pay 5'])
    expect(first.interruptions.map(({ kind, name, callId, agent: who }) => [kind, name, callId, who])).toEqual([
      ['approval', 'pay', '1.1', 'Banker'],
      ['approval', 'pay', '1.2', 'Banker'],
    ])
    const [small, large] = first.interruptions
    if (!small || !large) throw new Error('two interruptions are expected')
    first.state.approve(small)
    expect(first.state.interruptions).toHaveLength(1)
    const second = await run(agent, first.state)
    expect(second.status).toBe('paused')
    expect(done).toEqual(['pay 5', 'pay 50'])
    second.state.reject(large, { message: 'too much' })
    const third = await run(agent, second.state)
    expect(third.finalOutput).toBe('done')
    expect(done).toEqual(['pay 5', 'pay 50'])
    expect(model.requests).toHaveLength(2)
    expect(model.requests[1]?.input.flatMap((item) => (item.type === 'tool_result' ? [item.output] : []))).toEqual([
      'paid 5',
      'paid 50',
      'A person did not allow this call: too much',
    ])
  })

  it('is given days later by another process, and is written down', async () => {
    const runtime = skewedRuntime()
    const journal = memoryJournal({ runtime })
    const events: AuditEvent[] = []
    const audit = { required: true, write: async (event: AuditEvent) => void events.push(event) }
    const first = await new Runner({ journal, runtime }).run(banker().agent, 'pay', { runId: 'run_x' })
    expect(first.status).toBe('paused')
    expect(await journal.lease('run_x')).toBeUndefined()
    runtime.skip(3 * 24 * 3_600_000)

    const { agent, done } = banker()
    const later = new Runner({ journal, runtime, audit })
    const state = await later.load(agent, 'run_x')
    expect(state.status).toBe('paused')
    for (const one of state.interruptions) state.approve(one)
    const result = await later.run(agent, state)
    expect(result.finalOutput).toBe('done')
    expect(done).toEqual(['pay 50', 'pay 500'])
    expect(events.map(({ action, outcome, body }) => [action, outcome, body.callId])).toEqual([
      ['approval', 'allowed', '1.1'],
      ['approval', 'allowed', '1.2'],
    ])
    expect(await typesOf(journal, 'run_x')).toEqual([
      'run.start',
      'model.begin',
      'model.end',
      'tool.begin',
      'approval.request',
      'approval.request',
      'tool.end',
      'run.takeover',
      'approval.decision',
      'approval.decision',
      'tool.begin',
      'tool.begin',
      'tool.end',
      'tool.end',
      'model.begin',
      'model.end',
      'run.end',
    ])
    const again = await later.load(agent, 'run_x')
    expect(again.status).toBe('completed')
    expect((await later.run(agent, again)).finalOutput).toBe('done')
  })

  it('is not acted upon when a required sink fails', async () => {
    const { agent, done } = banker()
    const first = await run(agent, 'pay')
    for (const one of first.interruptions) first.state.approve(one)
    const audit = { required: true, write: () => Promise.reject(new Error('full')) }
    await expect(run(agent, first.state, { audit })).rejects.toSatisfy(code('audit.failed'))
    expect(done).toEqual(['pay 5'])
  })

  it('holds for one call of one run, and for a state that was not used', async () => {
    const { agent } = banker()
    const first = await run(agent, 'pay')
    const other = await run(agent, 'pay')
    const [one] = first.interruptions
    if (!one) throw new Error('an interruption is expected')
    expect(() => other.state.approve(one)).toThrow('does not wait for a decision')
    expect(() => first.state.approve({ ...one, argumentsDigest: 'other' })).toThrow('does not wait for a decision')
    first.state.approve(one)
    await run(agent, first.state)
    expect(() => first.state.approve(one)).toThrow('was given to `run` already')
    // Its journal went on, where this decision has been made.
    await expect(run(agent, first.state)).rejects.toSatisfy(code('config.invalid'))
  })

  it('costs nothing while nobody decides', async () => {
    const { agent, model } = banker()
    const first = await run(agent, 'pay')
    const second = await run(agent, first.state)
    expect(second.interruptions).toEqual(first.interruptions)
    expect(model.requests).toHaveLength(1)
  })
})

describe('a call that began and did not end', () => {
  it.each([
    ['approved', 'done again'],
    ['rejected', 'a person did not want it to be made again: leave it'],
  ])('is asked about, and %s', async (word, expected) => {
    const runtime = skewedRuntime()
    const journal = memoryJournal({ runtime })
    let calls = 0
    const act = tool({
      name: 'act',
      description: 'Acts.',
      parameters: z.object({}),
      needsApproval: true,
      execute: () => {
        calls += 1
        return 'done again'
      },
    })
    const model = scriptedModel([[call('act', {})], [say('done')]])
    const agent = new Agent({ name: 'A', model, tools: [act] })
    const first = await new Runner({ journal, runtime }).run(agent, 'go', { runId: 'run_x' })
    const [asked] = first.interruptions
    if (!asked) throw new Error('an interruption is expected')
    first.state.approve(asked)
    const dead = new Runner({ journal: dyingStore(journal, 2, 'before'), runtime })
    const dying = await dead.load(agent, 'run_x')
    dying.approve(asked)
    await expect(dead.run(agent, dying)).rejects.toSatisfy(code('journal.failed'))
    expect(calls).toBe(1)
    const next = new Runner({ journal, runtime })
    await expect(next.run(agent, await next.load(agent, 'run_x'))).rejects.toSatisfy(code('run.busy'))
    runtime.skip(31_000)
    const paused = await next.run(agent, await next.load(agent, 'run_x'))
    expect(paused.interruptions.map(({ kind }) => kind)).toEqual(['unknown-outcome'])
    expect(calls).toBe(1)
    const [unknown] = paused.interruptions
    if (!unknown) throw new Error('an interruption is expected')
    if (word === 'approved') paused.state.approve(unknown)
    else paused.state.reject(unknown, { message: 'leave it' })
    const result = await next.run(agent, paused.state)
    expect(result.finalOutput).toBe('done')
    expect(JSON.stringify(result.history)).toContain(expected)
    expect(calls).toBe(word === 'approved' ? 2 : 1)
  })
})

describe('what a run was started with', () => {
  it('is pinned: a difference on resume is refused, and named', async () => {
    const journal = memoryJournal()
    const { agent, model } = banker()
    await new Runner({ journal, policy: { egress: 'none' } }).run(agent, 'pay', { runId: 'run_x' })
    const { tools } = agent
    const variants = [
      [new Agent({ name: 'Banker', model, tools, instructions: 'Be bold.' }), {}, 'the instructions of the agent "Banker"'],
      [new Agent({ name: 'Banker', model, tools: [] }), {}, 'the tools of the agent "Banker"'],
      [new Agent({ name: 'Banker', model, tools, handoffs: [new Agent({ name: 'B', model })] }), {}, 'the agent "B" is new'],
      [agent, { policy: { egress: 'open' } }, 'the policy'],
    ] as const
    for (const [changed, options, what] of variants) {
      const runner = new Runner({ journal, policy: { egress: 'none' }, ...options })
      const resumed = runner.run(changed, await runner.load(changed, 'run_x'))
      await expect(resumed).rejects.toThrow(what)
      await expect(resumed).rejects.toSatisfy(code('run.changed'))
    }
    const runner = new Runner({ journal, policy: { egress: 'none' } })
    await expect(runner.load(new Agent({ name: 'Other', model }), 'run_x')).rejects.toSatisfy(code('run.changed'))
    await expect(runner.load(agent, 'run_y')).rejects.toSatisfy(code('run.not-found'))
    await expect(runner.run(agent, 'again', { runId: 'run_x' })).rejects.toSatisfy(code('config.invalid'))
    expect((await runner.run(agent, await runner.load(agent, 'run_x'))).status).toBe('paused')
  })
})
