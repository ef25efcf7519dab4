import { type ModelCall, type ModelEvent, type ModelRequest, RingfenceError, systemRandom } from '@ringfence/core'
import { describe, expect, test } from 'vitest'
import { scriptedModel } from '../../src/model/index.ts'
import { manualClock } from '../../src/runtime/index.ts'

const request: ModelRequest = { instructions: '', input: [], tools: [], settings: {} }
const callOf = (members: Partial<ModelCall> = {}): ModelCall => ({
  clock: manualClock(),
  random: systemRandom,
  idempotencyKey: 'k',
  ...members,
})

async function read(stream: AsyncIterable<ModelEvent>, events: ModelEvent[] = []): Promise<ModelEvent[]> {
  for await (const event of stream) events.push(event)
  return events
}

describe('a scripted model', () => {
  test('answers step by step, and remembers what it was asked', async () => {
    const model = scriptedModel([
      {
        reasoning: 'Look first.',
        text: 'I look.',
        toolCalls: [
          { name: 'ls', arguments: { path: '.' } },
          { name: 'sh', kind: 'custom', arguments: 'x' },
        ],
      },
      { refusal: 'No.', usage: { inputTokens: 7 } },
    ])
    const first = await read(model.stream(request, callOf()))
    expect(first.map((event) => event.type)).toEqual(['reasoning-delta', 'reasoning-delta', 'text-delta', 'text-delta', 'completed'])
    expect(first.at(-1)).toMatchObject({
      response: {
        items: [
          { type: 'reasoning', summary: ['Look first.'] },
          { type: 'message', text: 'I look.' },
          { type: 'tool_call', callId: 'call_0_0', name: 'ls', arguments: '{"path":"."}', kind: 'function' },
          { type: 'tool_call', callId: 'call_0_1', name: 'sh', arguments: 'x', kind: 'custom' },
        ],
      },
    })
    expect(() => model.assertUsed()).toThrow(expect.objectContaining({ code: 'conformance.failed' }))
    const second = await read(model.stream(request, callOf({ idempotencyKey: 'l' })))
    expect(second).toMatchObject([{ response: { items: [{ text: '', refusal: 'No.' }], usage: { requests: 1, inputTokens: 7 } } }])
    model.assertUsed()
    expect(model.requests).toEqual([request, request])
    expect(model.idempotencyKeys).toEqual(['k', 'l'])
    await expect(read(model.stream(request, callOf()))).rejects.toMatchObject({ code: 'model.failed' })
  })

  test('answers by a function of the request and its number', async () => {
    const model = scriptedModel((asked, turn) => ({ text: `${asked.instructions}${turn}` }))
    await read(model.stream(request, callOf()))
    const events = await read(model.stream({ ...request, instructions: 'n' }, callOf()))
    expect(events[0]).toEqual({ type: 'text-delta', delta: 'n1' })
    model.assertUsed()
  })

  test('throws the errors of its script, and cuts answers', async () => {
    const error = new RingfenceError('model.rate-limited', 'wait', { retry: { afterMs: 5 } })
    const model = scriptedModel([error, { text: 'one two three', cutAfter: 2 }])
    await expect(read(model.stream(request, callOf()))).rejects.toBe(error)
    const events: ModelEvent[] = []
    await expect(read(model.stream(request, callOf()), events)).rejects.toMatchObject({ code: 'model.interrupted' })
    expect(events).toHaveLength(2)
  })

  test('waits on the clock, and an abort ends the wait', async () => {
    const model = scriptedModel([
      { text: 'late', delayMs: 50 },
      { text: 'never', delayMs: 50 },
    ])
    const clock = manualClock()
    const answer = read(model.stream(request, callOf({ clock })))
    await clock.whenSleeping()
    await clock.advance(50)
    expect(await answer).toHaveLength(2)
    const stop = new AbortController()
    const stopped = read(model.stream(request, callOf({ clock, signal: stop.signal })))
    await clock.whenSleeping()
    stop.abort('enough')
    await expect(stopped).rejects.toBe('enough')
  })
})
