import { connect } from 'node:net'
import { OpenAI } from 'openai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ModelServer, modelServer, type ServerRequest, serverFaults } from '../../src/model-server/index.ts'
import { manualClock } from '../../src/runtime/index.ts'

const parameters = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }
let server: ModelServer
let client: OpenAI
let seen: ServerRequest[] = []

beforeEach(async () => {
  seen = []
  server = await modelServer({
    respond: (request) => {
      seen.push(request)
      return {
        text: 'Hello there.',
        toolCalls: request.tools.length > 0 ? [{ name: request.tools[0]?.name ?? '', arguments: { a: 'b' } }] : [],
      }
    },
  })
  client = new OpenAI({ apiKey: 'sk-anything', baseURL: server.baseURL, maxRetries: 0, logLevel: 'off' })
})
afterEach(() => server.close())

async function post(path: string, body: unknown, headers: Record<string, string> = { authorization: 'Bearer sk-anything' }) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await fetch(`${server.baseURL}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: text,
  })
  return { status: answer.status, text: await answer.text() }
}

describe("the vendor's client reads", () => {
  test('a response in one piece, and a stream of it', async () => {
    const tools = [{ type: 'function', name: 'look', description: 'Looks.', parameters, strict: true }] as const
    const whole = await client.responses.create({ model: 'm', input: 'Hello', instructions: 'Be brief.', tools: [...tools] })
    expect(whole.output_text).toBe('Hello there.')
    expect(whole.output[1]).toMatchObject({ type: 'function_call', name: 'look', arguments: '{"a":"b"}' })
    const stream = client.responses.stream({ model: 'm', input: 'Hello', tools: [...tools] })
    const types = new Set<string>()
    for await (const event of stream) types.add(event.type)
    expect((await stream.finalResponse()).output_text).toBe('Hello there.')
    expect([...types]).toContain('response.function_call_arguments.delta')
    expect(seen[0]).toMatchObject({ api: 'responses', stream: false, instructions: 'Be brief.', tools: [{ name: 'look', strict: true }] })
    expect(seen[1]?.stream).toBe(true)
  })

  test('a completion in one piece, and a stream of it', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters } }] as const
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ] as const
    const whole = await client.chat.completions.create({ model: 'm', messages: [...messages], tools: [...tools] })
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Hello there.', tool_calls: [{ id: 'call_0_0' }] },
    })
    const stream = client.chat.completions.stream({
      model: 'm',
      messages: [...messages],
      tools: [...tools],
      stream_options: { include_usage: true },
    })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]?.message).toMatchObject({
      content: 'Hello there.',
      tool_calls: [{ function: { name: 'look', arguments: '{"a":"b"}' } }],
    })
    expect(final.usage?.total_tokens).toBeGreaterThan(0)
    expect(seen[0]).toMatchObject({ api: 'chat-completions', instructions: 'Be brief.', input: [{ type: 'message', role: 'user' }] })
  })

  test('the same conversation from both APIs', async () => {
    await client.responses.create({
      model: 'm',
      input: [
        { role: 'user', content: 'Hello' },
        { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'seen' },
      ],
    })
    await client.chat.completions.create({
      model: 'm',
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }] },
        { role: 'tool', tool_call_id: 'c1', content: 'seen' },
      ],
    })
    expect(seen[1]?.input).toEqual(JSON.parse(JSON.stringify(seen[0]?.input)))
  })
})

const user = { role: 'user', content: 'Hello' }
const call = { type: 'function_call', call_id: 'c1', name: 'look', arguments: '{}' }
const output = { type: 'function_call_output', call_id: 'c1', output: 'seen' }
const chatCall = { role: 'assistant', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }] }
const chatOutput = { role: 'tool', tool_call_id: 'c1', content: 'seen' }
const functionTool = { type: 'function', name: 'look', parameters }

describe('it refuses', () => {
  test.each([
    ['a body that is not JSON', '{', 'parse'],
    ['no model', { input: 'x' }, "'model'"],
    ['no input', { model: 'm' }, "'input'"],
    ['an unknown item', { model: 'm', input: [{ type: 'thought' }] }, 'input[0].type'],
    ['an output without its call', { model: 'm', input: [user, output] }, 'No tool call found for function call output with call_id c1'],
    ['a call without its output', { model: 'm', input: [user, call] }, 'No tool output found for function call c1'],
    [
      'an output of another kind',
      { model: 'm', input: [user, call, { ...output, type: 'custom_tool_call_output' }] },
      'No tool call found',
    ],
    ['an id of another service', { model: 'm', input: [{ role: 'assistant', id: 'x', content: 'y' }] }, "begins with 'msg'"],
    ['an unknown type of tool', { model: 'm', input: 'x', tools: [{ type: 'magic', name: 'm' }] }, "'magic'"],
    ['a tool that the service would carry out', { model: 'm', input: 'x', tools: [{ type: 'web_search' }] }, "'web_search'"],
    ['a name that no tool can have', { model: 'm', input: 'x', tools: [{ ...functionTool, name: 'a b' }] }, 'tools[0].name'],
    ['two tools of one name', { model: 'm', input: 'x', tools: [functionTool, functionTool] }, 'unique'],
    [
      'a loose schema that calls itself strict',
      { model: 'm', input: 'x', tools: [{ ...functionTool, parameters: { ...parameters, required: [] } }] },
      "Missing 'a'",
    ],
    ['a schema that is no object', { model: 'm', input: 'x', tools: [{ ...functionTool, parameters: { type: 'string' } }] }, 'type'],
    [
      'a tool choice that is no tool',
      { model: 'm', input: 'x', tools: [functionTool], tool_choice: { type: 'function', name: 'x' } },
      'not found',
    ],
    ['a temperature of 3', { model: 'm', input: 'x', temperature: 3 }, 'maximum'],
    ['too few tokens', { model: 'm', input: 'x', max_output_tokens: 1 }, 'minimum'],
    [
      'an image that is no data URL',
      { model: 'm', input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
      'data URL',
    ],
    [
      'a loose schema of the answer',
      { model: 'm', input: 'x', text: { format: { type: 'json_schema', name: 'n', strict: true, schema: { type: 'object' } } } },
      'additionalProperties',
    ],
  ])('%s, on Responses', async (_, body, said) => {
    const answer = await post('/responses', body)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain(said)
    expect(seen).toHaveLength(0)
  })

  test.each([
    ['no messages', { model: 'm', messages: [] }, 'messages'],
    ['an unknown role', { model: 'm', messages: [{ role: 'robot', content: 'x' }] }, "'robot'"],
    ['a result without its call', { model: 'm', messages: [user, chatOutput] }, "messages with role 'tool'"],
    ['a call without its result', { model: 'm', messages: [user, chatCall, user] }, 'must be followed by tool messages'],
    ['a call without its result at the end', { model: 'm', messages: [user, chatCall] }, 'c1'],
    ['an image of a tool', { model: 'm', messages: [user, chatCall, { ...chatOutput, content: [{ type: 'image_url' }] }] }, "'image_url'"],
    ['an empty assistant', { model: 'm', messages: [{ role: 'assistant' }] }, 'content'],
    ['a custom tool', { model: 'm', messages: [user], tools: [{ type: 'custom', custom: { name: 'x' } }] }, "'custom'"],
    ['parallel calls of no tools', { model: 'm', messages: [user], parallel_tool_calls: false }, 'tools'],
    ['stream options without a stream', { model: 'm', messages: [user], stream_options: {} }, 'stream_options'],
  ])('%s, on Chat Completions', async (_, body, said) => {
    const answer = await post('/chat/completions', body)
    expect(answer.status).toBe(400)
    expect(answer.text).toContain(said)
    expect(seen).toHaveLength(0)
  })

  test('reasoning that it does not keep, another path, and a request without a key', async () => {
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [] }
    const answer = await post('/responses', { model: 'm', store: false, input: [reasoning, user] })
    expect(answer).toMatchObject({ status: 404, text: expect.stringContaining('not persisted') })
    expect((await post('/models', {})).status).toBe(404)
    expect((await post('/responses', { model: 'm', input: 'x' }, {})).status).toBe(401)
    expect(server.requests).toHaveLength(3)
  })
})

test('a script that is used up is refused, and a key that is not the one', async () => {
  await using one = await modelServer({ respond: [{ text: 'Once.' }], apiKey: 'sk-right-key' })
  const right = new OpenAI({ apiKey: 'sk-right-key', baseURL: one.baseURL, maxRetries: 0, logLevel: 'off' })
  expect((await right.responses.create({ model: 'm', input: 'x' })).output_text).toBe('Once.')
  await expect(right.responses.create({ model: 'm', input: 'x' })).rejects.toMatchObject({ status: 400 })
  const wrong = new OpenAI({ apiKey: 'sk-wrong-key', baseURL: one.baseURL, maxRetries: 0, logLevel: 'off' })
  await expect(wrong.responses.create({ model: 'm', input: 'x' })).rejects.toMatchObject({ status: 401 })
})

test('close ends silent answers, waits and idle connections', async () => {
  const clock = manualClock()
  const busy = await modelServer({ respond: [serverFaults.silent(1), serverFaults.silent(), { text: 'x', delayMs: 1000 }], clock })
  const busyClient = new OpenAI({ apiKey: 'sk-anything', baseURL: busy.baseURL, maxRetries: 0, logLevel: 'off' })
  const stream = await busyClient.responses.create({ model: 'm', input: 'x', stream: true })
  const failures = [
    (async () => {
      for await (const event of stream) expect(event.type).toBe('response.created')
    })(),
    busyClient.responses.create({ model: 'm', input: 'x' }),
    busyClient.responses.create({ model: 'm', input: 'x' }),
  ].map((promise) => expect(promise).rejects.toThrow())
  const idle = connect(Number(new URL(busy.baseURL).port), '127.0.0.1')
  const gone = new Promise((resolve) => idle.once('close', resolve))
  await new Promise((resolve) => idle.once('connect', resolve))
  await clock.whenSleeping()
  await busy.close()
  await Promise.all([...failures, gone])
  expect(busy.connections).toBe(0)
  expect(clock.sleeping).toBe(0)
  await busy.close()
})
