import { isRingfenceError } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, run, tool } from '../src/index.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'

const add = tool({
  name: 'add',
  description: 'Adds.',
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => String(a + b),
})

const code = (name: string) => (error: unknown) => isRingfenceError(error) && error.code === name

describe('an abort', () => {
  it('ends the model and rejects with the reason', async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    const model = scriptedModel([
      () => {
        controller.abort(reason)
        return new Promise(() => undefined)
      },
    ])
    await expect(run(new Agent({ name: 'A', model }), 'go', { signal: controller.signal })).rejects.toBe(reason)
    await expect(run(new Agent({ name: 'A', model }), 'go', { signal: controller.signal })).rejects.toBe(reason)
  })

  it('ends tools and rejects with the reason', async () => {
    const controller = new AbortController()
    const reason = new Error('stop')
    let seen: unknown
    const waits = tool({
      name: 'waits',
      description: 'Waits.',
      parameters: z.object({}),
      execute: (_, { signal }) => {
        controller.abort(reason)
        seen = signal.reason
        return new Promise(() => undefined)
      },
    })
    const model = scriptedModel([[call('waits', {})]])
    await expect(run(new Agent({ name: 'A', model, tools: [waits] }), 'go', { signal: controller.signal })).rejects.toBe(reason)
    expect(seen).toBe(reason)
  })
})

describe('a stream', () => {
  it('tells what happens, and has the result', async () => {
    const model = scriptedModel([[call('add', { a: 1, b: 2 })], [say('It is three.')]])
    const stream = await run(new Agent({ name: 'A', model, tools: [add] }), 'go', { stream: true })
    const types: string[] = []
    const ended: unknown[] = []
    let text = ''
    for await (const event of stream) {
      if (event.type === 'text-delta') text += event.delta
      else types.push(event.type)
      if (event.type === 'tool-end') ended.push(event)
    }
    expect(types).toEqual(['turn', 'item', 'tool-begin', 'tool-end', 'turn', 'item', 'end'])
    expect(text).toBe('It is three.')
    expect(ended).toEqual([{ type: 'tool-end', callId: '1.0', name: 'add', output: '3', isError: false }])
    expect((await stream.completed).finalOutput).toBe('It is three.')
    expect((await stream.completed).runId).toBe(stream.runId)
  })

  it('gives the text alone, and throws what ends the run', async () => {
    const fine = await run(new Agent({ name: 'A', model: scriptedModel([[say('Hello there.')]]) }), 'go', { stream: true })
    let text = ''
    for await (const delta of fine.toTextStream()) text += delta
    expect(text).toBe('Hello there.')
    const failing = scriptedModel([
      () => {
        throw new Error('down')
      },
    ])
    const stream = await run(new Agent({ name: 'A', model: failing }), 'go', { stream: true })
    const read = async (): Promise<void> => {
      for await (const _ of stream);
    }
    await expect(read()).rejects.toThrow('down')
    await expect(stream.completed).rejects.toThrow('down')
  })

  it('goes on when the reader leaves, and when nobody reads', async () => {
    const long = say('word '.repeat(2000))
    const stream = await run(new Agent({ name: 'A', model: scriptedModel([[long]]) }), 'go', { stream: true })
    for await (const _ of stream) break
    expect((await stream.completed).status).toBe('completed')
    const unread = await run(new Agent({ name: 'A', model: scriptedModel([[long]]) }), 'go', { stream: true })
    expect((await unread.completed).status).toBe('completed')
  })

  it('says when the answer was cut', async () => {
    const model = scriptedModel([])
    const cut = { ...model, async *stream() {} }
    await expect(run(new Agent({ name: 'A', model: cut }), 'go')).rejects.toSatisfy(code('model.interrupted'))
  })
})
