import type { Item, ToolSpec } from '@ringfence/core'
import { describe, expect, test } from 'vitest'
import { APIS, callOf, collect, requestOf, user, withServer } from './support.ts'

const search: ToolSpec = {
  type: 'function',
  name: 'search',
  description: 'Searches.',
  parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'], additionalProperties: false },
  strict: true,
}
const patch: ToolSpec = {
  type: 'custom',
  name: 'apply_patch',
  description: 'Patches.',
  grammar: { syntax: 'lark', definition: 'start: /.+/' },
}
const image = { type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=' } as const

describe.each(APIS)('an answer through %s', (api) => {
  test('streams its text, and ends with the whole of it', async () => {
    await withServer([{ text: 'Hello to you, too.', usage: { cachedInputTokens: 3, reasoningTokens: 1 } }], async (server, model) => {
      const { events, text, response } = await collect(model({ api }).stream(requestOf(), callOf()))
      expect(text).toBe('Hello to you, too.')
      expect(events.length).toBeGreaterThan(3)
      expect(response.items).toMatchObject([{ type: 'message', role: 'assistant', text: 'Hello to you, too.' }])
      expect(response.responseId).toBeTruthy()
      expect(response.usage).toEqual({ requests: 1, inputTokens: 10, cachedInputTokens: 3, outputTokens: 4, reasoningTokens: 1 })
      expect(server.requests[0]?.headers['idempotency-key']).toBe('run_1/model/0')
    })
  })

  test('has its tool calls in order, with arguments as they were written', async () => {
    const toolCalls = [
      { name: 'search', arguments: { query: 'a long question, so that it comes in several parts' }, callId: 'call_a' },
      { name: 'search', arguments: '{"query": "two"}', callId: 'call_b' },
    ]
    await withServer([{ toolCalls }], async (_, model) => {
      const { response } = await collect(model({ api }).stream(requestOf({ tools: [search] }), callOf()))
      expect(response.items).toMatchObject([
        { type: 'tool_call', callId: 'call_a', name: 'search', kind: 'function', arguments: JSON.stringify(toolCalls[0]?.arguments) },
        { type: 'tool_call', callId: 'call_b', name: 'search', kind: 'function', arguments: '{"query": "two"}' },
      ])
    })
  })

  test('goes back in the next request, with its results', async () => {
    await withServer(
      (request) => {
        const results = request.input.filter((item) => item.type === 'tool_result')
        if (results.length === 0) return { text: 'I look.', toolCalls: [{ name: 'search', arguments: { query: 'x' } }] }
        return { text: `Found ${JSON.stringify(results[0]?.output)} after ${request.input.length} items` }
      },
      async (_, model) => {
        const first = await collect(model({ api }).stream(requestOf({ tools: [search] }), callOf()))
        const call = first.response.items.find((item) => item.type === 'tool_call')
        const result: Item = { type: 'tool_result', callId: call?.callId ?? '', kind: 'function', output: 'the answer' }
        const input = [user('Hello'), ...first.response.items, result]
        const second = await collect(model({ api }).stream(requestOf({ tools: [search], input }), callOf()))
        expect(second.text).toMatch(/the answer/)
        expect(second.text).toMatch(/after 4 items/)
      },
    )
  })

  test('keeps a refusal apart from the text', async () => {
    await withServer([{ refusal: 'I will not do that.' }, { text: 'Well.' }], async (_, model) => {
      const { text, response } = await collect(model({ api }).stream(requestOf(), callOf()))
      expect(text).toBe('')
      expect(response.items).toMatchObject([{ type: 'message', text: '', refusal: 'I will not do that.' }])
      const input = [user('Hello'), ...response.items, user('Then something else.')]
      expect((await collect(model({ api }).stream(requestOf({ input }), callOf()))).text).toBe('Well.')
    })
  })

  test('takes every setting to the service', async () => {
    const output = { name: 'answer', schema: { ...search.parameters }, strict: true }
    const settings = {
      temperature: 0.5,
      topP: 0.9,
      maxTokens: 200,
      parallelToolCalls: false,
      toolChoice: 'search',
      reasoning: { effort: 'low' },
    } as const
    await withServer(
      (request) => ({ text: JSON.stringify({ settings: request.settings, output: request.output, instructions: request.instructions }) }),
      async (_, model) => {
        const { text } = await collect(model({ api }).stream(requestOf({ tools: [search], settings, output }), callOf()))
        expect(JSON.parse(text)).toEqual({ settings, output, instructions: 'Be brief.' })
      },
    )
  })

  test('can be about an image, of the user or of a tool', async () => {
    await withServer(
      (request) => ({
        text: request.input
          .map((item) => JSON.stringify(item))
          .filter((item) => item.includes(image.data))
          .length.toString(),
      }),
      async (_, model) => {
        const input: Item[] = [
          { type: 'message', role: 'user', content: [{ type: 'text', text: 'See' }, image] },
          { type: 'tool_call', callId: 'call_1', name: 'search', arguments: '{"query":"x"}', kind: 'function' },
          { type: 'tool_call', callId: 'call_2', name: 'search', arguments: '{"query":"y"}', kind: 'function' },
          { type: 'tool_result', callId: 'call_1', kind: 'function', output: [{ type: 'text', text: 'a picture' }, image] },
          { type: 'tool_result', callId: 'call_2', kind: 'function', output: 'nothing' },
        ]
        expect((await collect(model({ api }).stream(requestOf({ input, tools: [search] }), callOf()))).text).toBe('2')
      },
    )
  })

  test('has its reasoning before it', async () => {
    await withServer([{ reasoning: 'They greet me.', text: 'Hello.' }], async (_, model) => {
      const { events, response } = await collect(model({ api }).stream(requestOf(), callOf()))
      expect(events.map((event) => (event.type === 'reasoning-delta' ? event.delta : '')).join('')).toBe('They greet me.')
      expect(response.items).toMatchObject([
        { type: 'reasoning', summary: ['They greet me.'] },
        { type: 'message', text: 'Hello.' },
      ])
    })
  })

  test('leaves its connection to the next request', async () => {
    await withServer(
      () => ({ text: 'Yes.' }),
      async (server, model) => {
        for (let turn = 0; turn < 10; turn++) await collect(model({ api }).stream(requestOf(), callOf()))
        // The client may open a second one while the first comes back.
        expect(new Set(server.requests.map((request) => request.clientPort)).size).toBeLessThanOrEqual(5)
      },
    )
  })

  test('is refused for a tool choice that is no tool', async () => {
    await withServer([], async (server, model) => {
      const request = requestOf({ tools: [search], settings: { toolChoice: 'shell' } })
      await expect(collect(model({ api }).stream(request, callOf()))).rejects.toMatchObject({ code: 'config.invalid', effect: 'none' })
      expect(server.requests).toHaveLength(0)
    })
  })
})

describe('Responses alone', () => {
  test('knows custom tools, and sends reasoning back as it came', async () => {
    const encrypted: unknown[] = []
    await withServer(
      (request) => {
        for (const item of request.input) if (item.type === 'reasoning') encrypted.push(item.raw)
        if (encrypted.length > 0) return { text: 'Done.' }
        return { reasoning: 'A patch it is.', toolCalls: [{ name: 'apply_patch', kind: 'custom', arguments: '*** Begin Patch' }] }
      },
      async (server, model) => {
        const first = await collect(model().stream(requestOf({ tools: [search, patch] }), callOf()))
        expect(first.response.items).toMatchObject([
          { type: 'reasoning', raw: { encrypted_content: expect.any(String) } },
          { type: 'tool_call', kind: 'custom', name: 'apply_patch', arguments: '*** Begin Patch' },
        ])
        const result: Item = { type: 'tool_result', callId: 'call_0_0', kind: 'custom', output: 'ok' }
        const input = [user('Hello'), ...first.response.items, result]
        expect((await collect(model().stream(requestOf({ tools: [search, patch], input }), callOf()))).text).toBe('Done.')
        expect(encrypted).toEqual([first.response.items[0]?.type === 'reasoning' ? first.response.items[0].raw : undefined])
        expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({ store: false, include: ['reasoning.encrypted_content'] })
      },
    )
  })

  test('asks without encrypted reasoning when the model has none, and remembers it', async () => {
    const refusal = {
      error: {
        message: 'Encrypted content is not supported with this model.',
        param: 'include',
        code: null,
        type: 'invalid_request_error',
      },
    }
    await withServer(
      (request) => (request.body.include ? { fault: { type: 'respond', status: 400, body: refusal } } : { text: 'Hello.' }),
      async (server, model) => {
        const plain = model()
        const { response } = await collect(plain.stream(requestOf(), callOf()))
        expect(response.usage.requests).toBe(2)
        await collect(plain.stream(requestOf(), callOf()))
        expect(server.requests).toHaveLength(3)
      },
    )
  })

  test('leaves out what another service has made: ids, and reasoning that cannot be read back', async () => {
    await withServer([{ text: 'Hello.' }], async (_, model) => {
      const input: Item[] = [
        user('Hello'),
        { type: 'reasoning', id: 'r1', summary: ['thought'] },
        { type: 'message', role: 'assistant', id: 'other-1', text: 'I call', phase: 'commentary' },
        { type: 'tool_call', id: 'other-2', callId: 'c1', name: 'search', arguments: '{}', kind: 'function' },
        { type: 'tool_result', callId: 'c1', kind: 'function', output: 'x' },
      ]
      expect((await collect(model().stream(requestOf({ input, tools: [search] }), callOf()))).text).toBe('Hello.')
    })
  })

  test('keeps the phase of a message, and gives it back', async () => {
    const item = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      phase: 'commentary',
      content: [{ type: 'output_text', text: 'I look.', annotations: [] }],
    }
    const body = { id: 'resp_1', object: 'response', status: 'completed', output: [item] }
    await withServer(
      (request, turn) =>
        turn === 0
          ? { fault: { type: 'respond', status: 200, body } }
          : { text: request.input.map((one) => (one.type === 'message' && one.role === 'assistant' ? one.phase : '')).join('') },
      async (_, model) => {
        const first = await collect(model().stream(requestOf(), callOf()))
        expect(first.response.items).toMatchObject([{ id: 'msg_1', text: 'I look.', phase: 'commentary' }])
        const input = [user('Hello'), ...first.response.items, user('Go on.')]
        expect((await collect(model().stream(requestOf({ input }), callOf()))).text).toBe('commentary')
      },
    )
  })

  test('refuses an item that it does not know', async () => {
    const body = { id: 'resp_1', object: 'response', status: 'completed', output: [{ type: 'computer_call', id: 'cu_1' }] }
    await withServer([{ fault: { type: 'respond', status: 200, body } }], async (_, model) => {
      await expect(collect(model().stream(requestOf(), callOf()))).rejects.toMatchObject({
        code: 'model.invalid-response',
        message: expect.stringContaining('"computer_call"'),
      })
    })
  })
})

test('a custom tool is refused on Chat Completions before anything is sent', async () => {
  await withServer([], async (server, model) => {
    const chat = model({ api: 'chat-completions' })
    expect(chat.toolKinds).toEqual(['function'])
    await expect(collect(chat.stream(requestOf({ tools: [patch] }), callOf()))).rejects.toMatchObject({
      code: 'config.invalid',
      effect: 'none',
    })
    expect(server.requests).toHaveLength(0)
  })
})
