import type { JsonValue, OutputItem } from '@ringfence/core'
import { describe, expect, test } from 'vitest'
import { callOf, collect, failureOf, requestOf, serverFaults, withServer } from './support.ts'

/** Chunks as a server of another maker sends them. */
function chunks(choices: readonly JsonValue[], end = 'data: [DONE]\n\n'): string {
  return choices.map((choice) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`).join('') + end
}

async function ask(body: string, type = 'text/event-stream', api: 'responses' | 'chat-completions' = 'chat-completions') {
  const reply = { fault: { type: 'respond', status: 200, body, headers: { 'content-type': type } } } as const
  return withServer([reply], (_, model) => collect(model({ api, maxRetries: 0 }).stream(requestOf(), callOf())))
}

async function callsOf(deltas: readonly JsonValue[]): Promise<readonly OutputItem[]> {
  const { response } = await ask(chunks([...deltas.map((delta) => ({ delta })), { delta: {}, finish_reason: 'tool_calls' }]))
  return response.items
}

const call = (name: string, written: string, more: Record<string, JsonValue> = {}): JsonValue => ({
  tool_calls: [{ ...more, type: 'function', function: { name, arguments: written } }],
})
const rest = (written: string, more: Record<string, JsonValue> = {}): JsonValue => ({
  tool_calls: [{ ...more, function: { arguments: written } }],
})
const expected = [
  { type: 'tool_call', callId: 'a', name: 'one', arguments: '{"x":1}', kind: 'function' },
  { type: 'tool_call', callId: 'b', name: 'two', arguments: '{"y":2}', kind: 'function' },
]

describe('calls of tools come together', () => {
  test('from parts that interleave', async () => {
    const parts = [
      call('one', '', { index: 0, id: 'a' }),
      call('two', '', { index: 1, id: 'b' }),
      rest('{"y"', { index: 1 }),
      rest('{"x"', { index: 0 }),
      rest(':2}', { index: 1 }),
      rest(':1}', { index: 0 }),
    ]
    expect(await callsOf(parts)).toEqual(expected)
  })

  test('from a server that counts nothing', async () => {
    const parts = [call('one', '{"x"', { id: 'a' }), rest(':1}'), call('two', '{"y"', { id: 'b' }), rest(':2}')]
    expect(await callsOf(parts)).toEqual(expected)
  })

  test('from a server that gives all the index 0, and each of them whole', async () => {
    expect(await callsOf([call('one', '{"x":1}', { index: 0, id: 'a' }), call('two', '{"y":2}', { index: 0, id: 'b' })])).toEqual(expected)
  })

  test('from a server that repeats id and name in each part', async () => {
    const parts = [
      call('one', '{"x"', { index: 0, id: 'a' }),
      call('one', ':1}', { index: 0, id: 'a' }),
      call('two', '{"y":2}', { index: 1, id: 'b' }),
    ]
    expect(await callsOf(parts)).toEqual(expected)
  })

  test('from a server that gives no ids: they are made, and differ', async () => {
    const items = await callsOf([
      call('one', '{"x":1}'),
      call('two', ''),
      { tool_calls: [{ function: { name: 'three', arguments: { z: 3 } } }] },
    ])
    expect(items).toMatchObject([
      { name: 'one', arguments: '{"x":1}' },
      { name: 'two', arguments: '{}' },
      { name: 'three', arguments: '{"z":3}' },
    ])
    expect(new Set(items.map((item) => (item.type === 'tool_call' ? item.callId : ''))).size).toBe(3)
  })

  test('and one without a name is no call', async () => {
    await expect(callsOf([rest('{}', { index: 0, id: 'a' })])).rejects.toMatchObject({ code: 'model.invalid-response' })
  })
})

describe('the end of a stream of chat completions', () => {
  test('is a finish reason without [DONE], without usage', async () => {
    const { text, response } = await ask(chunks([{ delta: { content: 'Hi' } }, { delta: {}, finish_reason: 'stop' }], ''))
    expect(text).toBe('Hi')
    expect(response.usage).toEqual({ requests: 1, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 })
  })

  test('is [DONE] without a finish reason', async () => {
    expect((await ask(chunks([{ delta: { content: 'Hi' } }]))).text).toBe('Hi')
  })

  test('is neither of the two: it was cut', async () => {
    await expect(ask(chunks([{ delta: { content: 'Hi' } }], ''))).rejects.toMatchObject({ code: 'model.interrupted' })
  })

  test('is [DONE] alone: it is no answer', async () => {
    await expect(ask(chunks([]))).rejects.toMatchObject({ code: 'model.interrupted' })
  })

  test('comes at once, as JSON, from a server that does not stream', async () => {
    const message = {
      role: 'assistant',
      content: 'Hi',
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'one', arguments: '{}' } }],
    }
    const body = JSON.stringify({
      id: 'c1',
      choices: [{ index: 0, message, finish_reason: 'tool_calls' }],
      usage: { prompt_tokens: 5, completion_tokens: 2 },
    })
    const { response } = await ask(body, 'application/json')
    expect(response).toMatchObject({
      responseId: 'c1',
      items: [{ text: 'Hi' }, { name: 'one' }],
      usage: { inputTokens: 5, outputTokens: 2 },
    })
    await expect(ask(body.slice(0, -10), 'application/json')).rejects.toMatchObject({ code: 'model.interrupted' })
  })

  test('is an error with status 200', async () => {
    const body = JSON.stringify({ error: { message: 'The model is not loaded.', code: 404 } })
    await expect(ask(body, 'application/json')).rejects.toMatchObject({
      code: 'model.failed',
      message: expect.stringContaining('not loaded'),
    })
    await expect(ask(`data: ${body}\n\n`)).rejects.toMatchObject({ code: 'model.failed', message: expect.stringContaining('not loaded') })
  })
})

describe('events', () => {
  test('may have comments, line ends of CR LF, characters that are cut in two, and no content type of events', async () => {
    const body = `: ping\r\n\r\n${chunks([{ delta: { content: 'Grüß Gott 🐟' } }, { delta: {}, finish_reason: 'stop' }]).replaceAll('\n', '\r\n')}`
    expect((await ask(body, 'text/plain')).text).toBe('Grüß Gott 🐟')
  })

  test('may be listed nowhere at the end of a response', async () => {
    const item = { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'one', arguments: '{}' }
    const events = [
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } },
    ]
    const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
    expect((await ask(body, 'text/event-stream', 'responses')).response.items).toMatchObject([{ callId: 'a', name: 'one' }])
  })

  test('may tell of an error in two forms', async () => {
    for (const event of [
      { type: 'error', code: 'server_error', message: 'Oh.' },
      { type: 'error', error: { type: 'invalid_request_error', message: 'Oh.' } },
      { error: { message: 'Oh.' } },
    ])
      await expect(ask(`data: ${JSON.stringify(event)}\n\n`, 'text/event-stream', 'responses')).rejects.toMatchObject({
        code: 'model.failed',
        message: expect.stringContaining('Oh.'),
      })
  })
})

test('x-should-retry: false is obeyed', async () => {
  await withServer([serverFaults.serverError({ 'x-should-retry': 'false' })], async (server, model) => {
    const { error } = await failureOf(model().stream(requestOf(), callOf()))
    expect(error).toMatchObject({ code: 'model.failed', retry: 'never' })
    expect(server.requests).toHaveLength(1)
  })
})
