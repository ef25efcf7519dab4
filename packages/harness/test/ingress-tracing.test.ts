import { type AuditEvent, isRingfenceError, type SpanOptions, secret, sha256, type Tracer } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, memoryJournal, Runner, run, tool } from '../src/index.ts'
import { readAll } from './support/records.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'

const VALUE = 'hunter2-hunter2'
const policy = { secrets: [{ secret: secret.from('TOKEN', () => VALUE) }] }

describe('a known secret', () => {
  it('is nowhere: not in a result, an argument, an answer, a delta, a trace, the journal or an error', async () => {
    const ran: unknown[] = []
    const leak = tool({
      name: 'leak',
      description: 'Leaks.',
      parameters: z.object({ text: z.string() }),
      execute({ text }) {
        ran.push(text)
        return `${VALUE} and ${Buffer.from(VALUE).toString('base64')}`
      },
    })
    const throws = tool({
      name: 'throws',
      description: 'Throws.',
      parameters: z.object({}),
      execute() {
        throw new Error(`no access with ${VALUE}`)
      },
    })
    const spans = recorder()
    const journal = memoryJournal()
    const model = scriptedModel([[call('leak', { text: `say ${VALUE}` }), call('throws', {})], [say(`It is ${VALUE}, really.`)]])
    const runner = new Runner({ journal, policy, tracer: spans.tracer })
    const stream = await runner.run(new Agent({ name: 'A', model, tools: [leak, throws] }), 'go', { stream: true, runId: 'run_x' })
    const events: unknown[] = []
    let text = ''
    for await (const event of stream) {
      events.push(event)
      if (event.type === 'text-delta') text += event.delta
    }
    const result = await stream.completed
    expect(result.finalOutput).toBe('It is [secret TOKEN], really.')
    expect(text).toBe(result.finalOutput)
    expect(ran).toEqual(['say [secret TOKEN]'])
    const everything = JSON.stringify([events, result.history, await readAll(journal, 'run_x'), spans.all, model.requests])
    for (const form of [VALUE, Buffer.from(VALUE).toString('base64')]) expect(everything).not.toContain(form)

    const failing = scriptedModel([
      () => {
        throw new Error(`401 for ${VALUE}`)
      },
    ])
    const failed = run(new Agent({ name: 'A', model: failing }), 'go', { policy })
    await expect(failed).rejects.toThrow('401 for [secret TOKEN]')
    await expect(failed).rejects.toSatisfy((error: Error) => !String(error.stack).includes(VALUE))
  })

  it('that cannot be read stops the run before the model is asked', async () => {
    const model = scriptedModel([[say('hi')]])
    const none = { secrets: [{ secret: secret.env('RINGFENCE_TEST_NOT_SET') }] }
    await expect(run(new Agent({ name: 'A', model }), 'go', { policy: none })).rejects.toSatisfy((error) =>
      isRingfenceError(error, 'secret.failed'),
    )
    expect(model.requests).toHaveLength(0)
  })

  it('is audited when it is read', async () => {
    const events: AuditEvent[] = []
    const audit = { required: false, write: async (event: AuditEvent) => void events.push(event) }
    await run(new Agent({ name: 'A', model: scriptedModel([[say('hi')]]) }), 'go', { policy, audit, runId: 'run_x' })
    expect(events).toMatchObject([{ action: 'secret.resolve', outcome: 'allowed', runId: 'run_x', body: { name: 'TOKEN' } }])
  })
})

interface Recorded extends SpanOptions {
  readonly name: string
  readonly seen: unknown[]
}

function recorder() {
  const all: Recorded[] = []
  const tracer: Tracer = {
    specificationVersion: 'tracer-v1',
    name: 'recorder',
    startSpan(name, options) {
      const seen: unknown[] = []
      all.push({ name, ...options, seen })
      return {
        setAttributes: (attributes) => void seen.push(attributes),
        addEvent: (event) => void seen.push(event),
        setStatus: (status) => void seen.push(status),
        end: () => void seen.push('end'),
      }
    },
  }
  return { tracer, all }
}

describe('the spans of a run', () => {
  const echo = tool({ name: 'echo', description: 'Echoes.', parameters: z.object({}), execute: () => 'echo' })
  const agentOf = (answers: Parameters<typeof scriptedModel>[0]) => new Agent({ name: 'A', model: scriptedModel(answers), tools: [echo] })

  it('have ids of the run and of its operations, and names of OpenTelemetry', async () => {
    const { tracer, all } = recorder()
    await run(agentOf([[call('echo', {})], [say('hi')]]), 'go', { tracer, runId: 'run_x' })
    const id = (op: string) => sha256(op).slice(0, 16)
    expect(all.map(({ name, spanId, parentSpanId }) => [name, spanId, parentSpanId])).toEqual([
      ['invoke_agent A', id('run_x'), undefined],
      ['turn 1', id('run_x.1'), id('run_x')],
      ['chat script-1', id('run_x.1.model'), id('run_x.1')],
      ['execute_tool echo', id('run_x.1.0'), id('run_x.1')],
      ['turn 2', id('run_x.2'), id('run_x')],
      ['chat script-1', id('run_x.2.model'), id('run_x.2')],
    ])
    expect(new Set(all.map(({ traceId }) => traceId))).toEqual(new Set([sha256('run_x').slice(0, 32)]))
    for (const { seen } of all) expect(seen.slice(-2)).toEqual([{ code: 'ok' }, 'end'])
    expect(all[2]?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'scripted',
      'gen_ai.request.model': 'script-1',
    })
    expect(all[2]?.seen[0]).toMatchObject({ 'gen_ai.usage.input_tokens': 10, 'gen_ai.usage.output_tokens': 5 })
  })

  it('are ended with the error when the run fails', async () => {
    const { tracer, all } = recorder()
    const failing = agentOf([
      () => {
        throw new Error('down')
      },
    ])
    await expect(run(failing, 'go', { tracer })).rejects.toThrow('down')
    expect(all.map(({ seen }) => seen)).toEqual(all.map(() => [{ code: 'error', message: 'down' }, 'end']))
  })

  it('cannot fail a run, whatever the tracer throws', async () => {
    const boom = (): never => {
      throw new Error('tracer')
    }
    const broken: Tracer = {
      specificationVersion: 'tracer-v1',
      name: 'broken',
      startSpan: () => ({ setAttributes: boom, addEvent: boom, setStatus: boom, end: boom }),
      flush: () => Promise.reject(new Error('tracer')),
    }
    for (const tracer of [broken, { ...broken, startSpan: boom, flush: boom }])
      expect((await run(agentOf([[call('echo', {})], [say('hi')]]), 'go', { tracer })).finalOutput).toBe('hi')
  })
})
