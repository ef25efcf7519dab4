import { LLMock } from '@copilotkit/aimock'
import type { Item, ToolSpec } from '@ringfence/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openai } from '../src/index.ts'
import { APIS, callOf, collect, failureOf, KEY, requestOf, user } from './support.ts'

const weather: ToolSpec = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
  strict: true,
}

/** A server that others wrote: what both of ours might have misread alike, it did not. */
const server = new LLMock({ port: 0, host: '127.0.0.1', chunkSize: 7, logLevel: 'silent' })

beforeAll(async () => {
  server.onToolResult('call_weather', { content: 'It rains in Bremen, as it does.' })
  server.onMessage('weather', { toolCalls: [{ id: 'call_weather', name: 'weather', arguments: '{"city":"Bremen"}' }] })
  server.onMessage('think', { content: 'Forty-two.', reasoning: 'A long time passes.' })
  server.onMessage('fail', { error: { message: 'It is broken.', type: 'server_error' }, status: 500 })
  await server.start()
})

afterAll(() => server.stop())

describe.each(APIS)('a foreign server, through %s', (api) => {
  const model = () => openai('gpt-5.5', { api, apiKey: KEY, baseURL: `${server.url}/v1`, maxRetries: 0 })

  test('calls a tool, and answers with its result', async () => {
    const first = await collect(model().stream(requestOf({ input: [user('The weather, please')], tools: [weather] }), callOf()))
    const calls = first.response.items.filter((item) => item.type === 'tool_call')
    expect(calls).toMatchObject([{ callId: 'call_weather', name: 'weather', arguments: '{"city":"Bremen"}', kind: 'function' }])
    const result: Item = { type: 'tool_result', callId: 'call_weather', kind: 'function', output: 'rain' }
    const input = [user('The weather, please'), ...first.response.items, result]
    const second = await collect(model().stream(requestOf({ input, tools: [weather] }), callOf()))
    expect(second.text).toBe('It rains in Bremen, as it does.')
    expect(second.events.length).toBeGreaterThan(3)
    expect(second.response.items.at(-1)).toMatchObject({ type: 'message', text: second.text })
  })

  test('tells its reasoning', async () => {
    const { text, events, response } = await collect(model().stream(requestOf({ input: [user('think')] }), callOf()))
    expect(text).toBe('Forty-two.')
    expect(events.map((event) => (event.type === 'reasoning-delta' ? event.delta : '')).join('')).toBe('A long time passes.')
    expect(response.items[0]).toMatchObject({ type: 'reasoning', summary: ['A long time passes.'] })
  })

  test('fails', async () => {
    const { error } = await failureOf(model().stream(requestOf({ input: [user('fail')] }), callOf()))
    expect(error).toMatchObject({ code: 'model.failed', details: { status: 500 } })
    expect(error.message).toContain('It is broken.')
  })
})
