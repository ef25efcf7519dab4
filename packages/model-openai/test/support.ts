import {
  type Item,
  isRingfenceError,
  type ModelCall,
  type ModelEvent,
  type ModelRequest,
  type ModelResponse,
  type RingfenceError,
  systemRandom,
} from '@ringfence/core'
import { type ModelServer, manualClock, modelServer, type ServerReply, type ServerRequest } from '@ringfence/testkit'
import { type OpenAIOptions, openai } from '../src/index.ts'

export { serverFaults } from '@ringfence/testkit'
export { manualClock, modelServer }

export const KEY = 'sk-test-0123456789abcdef'

export const APIS = ['responses', 'chat-completions'] as const

export function user(text: string): Item {
  return { type: 'message', role: 'user', content: [{ type: 'text', text }] }
}

export function requestOf(members: Partial<ModelRequest> = {}): ModelRequest {
  return { instructions: 'Be brief.', input: [user('Hello')], tools: [], settings: {}, ...members }
}

export function callOf(members: Partial<ModelCall> = {}): ModelCall {
  return { clock: manualClock({ autoAdvance: true }), random: systemRandom, idempotencyKey: 'run_1/model/0', ...members }
}

export interface Collected {
  readonly events: readonly ModelEvent[]
  readonly text: string
  readonly response: ModelResponse
}

/** Reads a stream to its end. */
export async function collect(stream: AsyncIterable<ModelEvent>): Promise<Collected> {
  const events: ModelEvent[] = []
  for await (const event of stream) events.push(event)
  const last = events.at(-1)
  if (last?.type !== 'completed') throw new Error('The stream ended without an answer')
  const text = events.map((event) => (event.type === 'text-delta' ? event.delta : '')).join('')
  return { events, text, response: last.response }
}

/** Reads a stream that must fail, and what it gave before. */
export async function failureOf(stream: AsyncIterable<ModelEvent>): Promise<{ error: RingfenceError; events: ModelEvent[] }> {
  const events: ModelEvent[] = []
  try {
    for await (const event of stream) events.push(event)
  } catch (error) {
    if (isRingfenceError(error)) return { error, events }
    throw error
  }
  throw new Error('It did not fail')
}

/** Asks a server that answers as told, with the real client. */
export async function withServer<T>(
  respond: readonly ServerReply[] | ((request: ServerRequest, turn: number) => ServerReply),
  use: (server: ModelServer, model: (options?: OpenAIOptions) => ReturnType<typeof openai>) => Promise<T>,
): Promise<T> {
  const server = await modelServer({ respond, apiKey: KEY })
  try {
    return await use(server, (options) => openai('gpt-5.5', { apiKey: KEY, baseURL: server.baseURL, ...options }))
  } finally {
    await server.close()
  }
}
