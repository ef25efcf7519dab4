import { isRingfenceError } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, handoff, Runner, run, tool } from '../src/index.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'

const add = tool({
  name: 'add',
  description: 'Adds.',
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => String(a + b),
})

const code = (name: string) => (error: unknown) => isRingfenceError(error) && error.code === name

describe('a run', () => {
  it('answers in text and counts its usage', async () => {
    const model = scriptedModel([[say('Good day.')]])
    const result = await run(new Agent({ name: 'A', instructions: 'Be kind.', model }), 'hello')
    expect(result).toMatchObject({ status: 'completed', finalOutput: 'Good day.', interruptions: [] })
    expect(result.usage).toEqual({ requests: 1, inputTokens: 10, cachedInputTokens: 0, outputTokens: 5, reasoningTokens: 0 })
    expect(result.newItems).toEqual([say('Good day.')])
    expect(result.toInputList()).toHaveLength(2)
    expect(model.requests[0]).toMatchObject({ instructions: 'Be kind.', tools: [], settings: {} })
    expect(result.lastAgent.name).toBe('A')
  })

  it('asks the function for the instructions, with the context, and goes on with a conversation', async () => {
    const model = scriptedModel([[say('1')]])
    const agent = new Agent<{ user: string }>({ name: 'A', instructions: async ({ context }) => `For ${context.user}.`, model })
    const first = await run(agent, 'hello', { context: { user: 'Ada' } })
    await run(agent, [...first.toInputList(), { type: 'message', role: 'user', content: [{ type: 'text', text: 'more' }] }], {
      context: { user: 'Bob' },
    })
    expect(model.requests.map(({ instructions }) => instructions)).toEqual(['For Ada.', 'For Bob.'])
    expect(model.requests[1]?.input).toHaveLength(3)
  })

  it('runs the calls of one answer at once, and gives the results in the order of the calls', async () => {
    let arrived = 0
    let open: () => void = () => undefined
    const all = new Promise<void>((resolve) => {
      open = resolve
    })
    const meet = tool({
      name: 'meet',
      description: 'Waits for the others.',
      parameters: z.object({ n: z.number() }),
      async execute({ n }) {
        arrived += 1
        if (arrived === 3) open()
        await all
        return { n }
      },
    })
    const model = scriptedModel([[call('meet', { n: 1 }, 'a'), call('meet', { n: 2 }, 'b'), call('meet', { n: 3 }, 'c')], [say('done')]])
    const result = await run(new Agent({ name: 'A', model, tools: [meet] }), 'go')
    expect(result.finalOutput).toBe('done')
    expect(result.newItems.filter(({ type }) => type === 'tool_result')).toEqual([
      { type: 'tool_result', callId: 'a', kind: 'function', output: '{"n":1}' },
      { type: 'tool_result', callId: 'b', kind: 'function', output: '{"n":2}' },
      { type: 'tool_result', callId: 'c', kind: 'function', output: '{"n":3}' },
    ])
    expect(model.requests[1]?.input).toHaveLength(7)
  })

  it('tells the model what is wrong with a call', async () => {
    const broken = tool({
      name: 'broken',
      description: 'Throws.',
      parameters: z.object({}),
      execute() {
        throw new Error('the disk is full')
      },
    })
    const model = scriptedModel([
      [
        call('nope', {}, 'a'),
        call('add', '{"a":1', 'b'),
        call('add', { a: 'x', b: 2 }, 'c'),
        call('broken', '', 'd'),
        call('add', { a: 1, b: 2 }, 'd'),
      ],
      [say('sorry')],
    ])
    const result = await run(new Agent({ name: 'A', model, tools: [add, broken] }), 'go')
    const texts = result.newItems.flatMap((item) => (item.type === 'tool_result' ? [String(item.output)] : []))
    expect(texts[0]).toContain('There is no tool "nope". The tools are: "add", "broken".')
    expect(texts[1]).toContain('not valid JSON')
    expect(texts[2]).toMatch(/do not match its schema(.|\n)*at a/)
    expect(texts[3]).toBe('The tool "broken" failed: the disk is full')
    // An id that is used again stands for a call of its own.
    expect(texts[4]).toBe('3')
    expect(result.newItems.flatMap((item) => (item.type === 'tool_result' ? [item.callId] : []))).toEqual(['a', 'b', 'c', 'd', 'd_2'])
    expect(result.finalOutput).toBe('sorry')
  })

  it('gives a custom tool as a function to models that know functions alone', async () => {
    const seen: string[] = []
    const custom = {
      type: 'custom',
      name: 'patch',
      description: 'Patches.',
      argument: { name: 'patch', description: 'The patch.' },
      invoke: async (text: string) => {
        seen.push(text)
        return 'ok'
      },
    } as const
    const functions = scriptedModel([[call('patch', { patch: 'one' }), call('patch', { other: 1 }, 'x')], [say('done')]])
    const result = await run(new Agent({ name: 'A', model: functions, tools: [custom] }), 'go')
    expect(functions.requests[0]?.tools[0]).toMatchObject({ type: 'function', parameters: { required: ['patch'] } })
    expect(JSON.stringify(result.newItems)).toContain('\\"patch\\" must be a text')
    const both = scriptedModel(
      [[{ type: 'tool_call', callId: 'c', name: 'patch', arguments: 'two', kind: 'custom' }], [say('done')]],
      ['function', 'custom'],
    )
    await run(new Agent({ name: 'A', model: both, tools: [custom] }), 'go')
    expect(both.requests[0]?.tools[0]).toEqual({ type: 'custom', name: 'patch', description: 'Patches.', grammar: undefined })
    expect(seen).toEqual(['one', 'two'])
  })

  it('gives the final output in the form of the agent, or refuses', async () => {
    const outputType = z.object({ city: z.string() })
    const good = scriptedModel([[say('{"city":"Bern"}')]])
    const result = await run(new Agent({ name: 'A', model: good, outputType }), 'go')
    const city: string | undefined = result.finalOutput?.city
    expect(city).toBe('Bern')
    expect(good.requests[0]?.output).toMatchObject({ schema: { type: 'object', required: ['city'], additionalProperties: false } })
    for (const text of ['Bern', '{"city":1}'])
      await expect(run(new Agent({ name: 'A', model: scriptedModel([[say(text)]]), outputType }), 'go')).rejects.toSatisfy(
        code('model.output-invalid'),
      )
  })

  it('ends after maxTurns', async () => {
    const model = scriptedModel([[call('add', { a: 1, b: 1 })]])
    await expect(run(new Agent({ name: 'A', model, tools: [add] }), 'go')).rejects.toSatisfy(code('run.max-turns'))
    expect(model.requests).toHaveLength(10)
    await expect(run(new Agent({ name: 'A', model, tools: [add] }), 'go', { maxTurns: 2 })).rejects.toSatisfy(code('run.max-turns'))
    expect(model.requests).toHaveLength(12)
  })

  it('drops a choice of a tool once it was met', async () => {
    const model = scriptedModel([[call('add', { a: 1, b: 1 })], [say('2')]])
    await run(new Agent({ name: 'A', model, tools: [add], modelSettings: { toolChoice: 'required', temperature: 0 } }), 'go')
    expect(model.requests.map(({ settings }) => settings)).toEqual([{ toolChoice: 'required', temperature: 0 }, { temperature: 0 }])
  })

  it('leaves out tools that are not enabled', async () => {
    const hidden = { ...add, name: 'hidden', isEnabled: false }
    const asked = { ...add, name: 'asked', isEnabled: ({ context }: { context: unknown }) => context === 'yes' }
    const model = scriptedModel([[say('1')]])
    const agent = new Agent({ name: 'A', model, tools: [add, hidden, asked] })
    await run(agent, 'go', { context: 'no' })
    await run(agent, 'go', { context: 'yes' })
    expect(model.requests.map(({ tools }) => tools.map(({ name }) => name))).toEqual([['add'], ['add', 'asked']])
  })

  it('hands over, once an answer', async () => {
    const model = scriptedModel([[call('transfer_to_b', {}, 'x'), call('transfer_to_c', {}, 'y')], [say('I am B')]])
    const b = new Agent({ name: 'B', instructions: 'You are B.', handoffDescription: 'Knows B.' })
    const c = new Agent({ name: 'C' })
    const a = new Agent({ name: 'A', instructions: 'You are A.', handoffs: [b, handoff(c, { toolDescription: 'To C.' })] })
    const result = await new Runner({ model }).run(a, 'go')
    expect(result.lastAgent).toBe(b)
    expect(model.requests.map(({ instructions }) => instructions)).toEqual(['You are A.', 'You are B.'])
    expect(model.requests[0]?.tools.map(({ description }) => description)).toEqual([
      'Hands the conversation over to the agent "B". Knows B.',
      'To C.',
    ])
    expect(JSON.stringify(result.newItems)).toContain('Another handoff')
  })

  it('refuses definitions that cannot work, before anything is done', async () => {
    const model = scriptedModel([[say('1')]])
    const cases = [
      () => run(new Agent({ name: 'A' }), 'go'),
      () => run(new Agent({ name: 'A', model, tools: [add, add] }), 'go'),
      () => run(new Agent({ name: 'A', model, handoffs: [new Agent({ name: 'A', model })] }), 'go'),
      () => run(new Agent({ name: 'A', model }), []),
      () => run(new Agent({ name: 'A', model }), 'go', { maxTurns: 0 }),
      () => run(new Agent({ name: 'A', model }), 'go', { runId: '../x' }),
      () => new Runner({ model }).load(new Agent({ name: 'A' }), 'run_x'),
    ]
    for (const one of cases) await expect(one()).rejects.toSatisfy(code('config.invalid'))
    expect(() => new Agent({ name: ' ' })).toThrow('needs a name')
    expect(() => tool({ name: 'a b', description: '', parameters: z.object({}), execute: () => '' })).toThrow('"a b" cannot be the name')
    expect(model.requests).toHaveLength(0)
  })
})

describe('a call of a tool', () => {
  it('knows its run, its call and its key, and passes what it gives as JSON', async () => {
    const seen: unknown[] = []
    const look = tool({
      name: 'look',
      description: 'Looks.',
      parameters: z.object({ n: z.number().default(7) }),
      execute({ n }, { runId, callId, idempotencyKey, epoch, context }) {
        seen.push({ n, runId, callId, idempotencyKey, epoch, context })
        return [{ type: 'text', text: 'seen' }]
      },
    })
    expect(look.strict).toBe(false)
    expect(add.strict).toBe(true)
    const model = scriptedModel([[call('look', {}, 'a'), call('look', { n: 1 }, 'b')], [say('ok')]])
    const result = await run(new Agent({ name: 'A', model, tools: [look] }), 'go', { runId: 'run_x', context: 5 })
    expect(seen).toEqual([
      { n: 7, runId: 'run_x', callId: '1.0', idempotencyKey: 'run_x.1.0', epoch: 1, context: 5 },
      { n: 1, runId: 'run_x', callId: '1.1', idempotencyKey: 'run_x.1.1', epoch: 1, context: 5 },
    ])
    expect(result.newItems[2]).toMatchObject({ output: [{ type: 'text', text: 'seen' }] })
  })

  it('is stopped at its deadline, and the model is told', async () => {
    let reason: unknown
    const slow = tool({
      name: 'slow',
      description: 'Never ends.',
      parameters: z.object({}),
      timeoutMs: 20,
      execute: (_, { signal }) =>
        new Promise(() => {
          signal.addEventListener('abort', () => {
            reason = signal.reason
          })
        }),
    })
    const model = scriptedModel([[call('slow', {})], [say('ok')]])
    const result = await run(new Agent({ name: 'A', model, tools: [slow] }), 'go')
    expect(JSON.stringify(result.newItems)).toContain('ran past its deadline of 20 ms')
    expect(isRingfenceError(reason, 'exec.timeout')).toBe(true)
  })

  it('ends the run when it throws errors, and the others are aborted', async () => {
    const aborted: string[] = []
    const fails = tool({
      name: 'fails',
      description: 'Fails.',
      parameters: z.object({}),
      throwsErrors: true,
      execute: () => Promise.reject(new Error('no')),
    })
    const waits = tool({
      name: 'waits',
      description: 'Waits.',
      parameters: z.object({}),
      execute: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(aborted.push('waits')))),
    })
    const model = scriptedModel([[call('waits', {}), call('fails', {})]])
    await expect(run(new Agent({ name: 'A', model, tools: [fails, waits] }), 'go')).rejects.toSatisfy(code('tool.failed'))
    expect(aborted).toEqual(['waits'])
  })
})
