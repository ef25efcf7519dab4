import { expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, memoryJournal, Runner, tool } from '../src/index.ts'
import { readAll } from './support/records.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'

const add = tool({
  name: 'add',
  description: 'Adds.',
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => a + b,
})

function pair(calls = 1) {
  const model = scriptedModel([
    [call('add', { a: 1, b: 2 }, 'c1'), call('add', { a: 2, b: 2 }, 'c0')].slice(0, calls),
    [call('transfer_to_b', {}, 'c2')],
    [say('{"sum":3}')],
  ])
  const b = new Agent<{ user: string }, { sum: number }>({ name: 'B', model, outputType: z.object({ sum: z.number() }) })
  const a = new Agent<{ user: string }>({ name: 'A', model, tools: [add], handoffs: [b] })
  return { a, b, model }
}

it('agents and their runner tell what happens, in order, each to those who listen', async () => {
  const { a, b } = pair()
  const heard: string[] = []
  const runner = new Runner()
  for (const agent of [a, b]) {
    agent
      .on(
        'agent_start',
        ({ context, usage }, { name }) => void heard.push(`${agent.name}: start ${name} ${context.user} ${usage.requests}`),
      )
      .on('agent_end', ({ usage }, output) => void heard.push(`${agent.name}: end ${JSON.stringify(output)} ${usage.requests}`))
      .on('agent_handoff', (_, { name }) => void heard.push(`${agent.name}: handoff ${name}`))
      .on('agent_tool_start', (_, { name }, { toolCall }) => void heard.push(`${agent.name}: tool ${name} ${toolCall.callId}`))
      .on('agent_tool_end', (_, { name }, result) => void heard.push(`${agent.name}: tool end ${name} ${String(result)}`))
  }
  runner
    .on('agent_start', (_, { name }) => void heard.push(`runner: start ${name}`))
    .on('agent_end', (_, { name }, output) => void heard.push(`runner: end ${name} ${JSON.stringify(output)}`))
    .on('agent_handoff', (_, from, to) => void heard.push(`runner: handoff ${from.name} ${to.name}`))
    .on(
      'agent_tool_start',
      (_, agent, { name }, { toolCall }) => void heard.push(`runner: tool ${agent.name} ${name} ${toolCall.arguments}`),
    )
    .on('agent_tool_end', (_, agent, { name }, result) => void heard.push(`runner: tool end ${agent.name} ${name} ${String(result)}`))
  const silent = (): void => void heard.push('never')
  runner.on('agent_start', silent).off('agent_start', silent)
  const result = await runner.run(a, 'go', { context: { user: 'Ada' } })
  expect(result.lastAgent).toBe(b)
  expect(heard).toEqual([
    'A: start A Ada 0',
    'runner: start A',
    'A: tool add c1',
    'runner: tool A add {"a":1,"b":2}',
    'A: tool end add 3',
    'runner: tool end A add 3',
    'A: handoff B',
    'runner: handoff A B',
    'B: start B Ada 2',
    'runner: start B',
    'B: end {"sum":3} 3',
    'runner: end B {"sum":3}',
  ])
})

const isFirstCall = (details: unknown): boolean => z.object({ toolCall: z.object({ callId: z.literal('c1') }) }).safeParse(details).success

it('a listener is waited for; what it throws ends the run, which can be taken up, with no call of unknown outcome', async () => {
  for (const event of ['agent_start', 'agent_tool_start', 'agent_tool_end', 'agent_handoff', 'agent_end'] as const) {
    const { a, model } = pair(2)
    const journal = memoryJournal()
    let isBroken = true
    const runner = new Runner({ journal })
    runner.on(event, async (...args) => {
      // Of two calls, the second one breaks.
      if (isFirstCall(args.at(-1))) return
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (isBroken) throw new Error(`no ${event}`)
    })
    const context = { user: 'Ada' }
    await expect(runner.run(a, 'go', { runId: 'run_x', context })).rejects.toThrow(`no ${event}`)
    isBroken = false
    const result = await runner.run(a, await runner.load(a, 'run_x'), { context })
    expect([result.status, result.finalOutput], event).toEqual(['completed', { sum: 3 }])
    // No answer was paid for twice, and no call was made twice.
    expect(model.requests).toHaveLength(3)
    expect((await readAll(journal, 'run_x')).filter(({ type }) => type === 'tool.begin')).toHaveLength(2)
  }
})
