import { type Item, type Model, randomId, systemRandom, type ToolOutput } from '@ringfence/core'
import { openai } from '@ringfence/model-openai'
import { type ModelServer, modelServer, type ServerReply, type ServerRequest } from '@ringfence/testkit'
import { type DoneCall, nextStep } from './embedded-brain.ts'

function textOf(output: ToolOutput): string {
  return typeof output === 'string' ? output : output.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

/** The calls of a conversation, each with its result. */
function doneCalls(input: readonly Item[]): readonly DoneCall[] {
  const results = new Map(input.flatMap((item) => (item.type === 'tool_result' ? [[item.callId, textOf(item.output)] as const] : [])))
  return input.flatMap((item) =>
    item.type === 'tool_call' ? [{ name: item.name, arguments: item.arguments, output: results.get(item.callId) ?? '' }] : [],
  )
}

function reply({ input, tools }: ServerRequest): ServerReply {
  const calls = doneCalls(input)
  const step = nextStep(calls)
  // Unique in the conversation, also when another process goes on with it.
  const callId = `call_${calls.length}`
  if (step.type === 'answer') return { text: step.text }
  if (step.type === 'exec')
    return { toolCalls: [{ name: 'exec_command', callId, arguments: { cmd: step.command, yield_time_ms: 30_000 } }] }
  const kind = tools.some((tool) => tool.type === 'custom' && tool.name === 'apply_patch') ? 'custom' : 'function'
  return { toolCalls: [{ name: 'apply_patch', callId, kind, arguments: kind === 'custom' ? step.patch : { input: step.patch } }] }
}

/** The embedded model behind a service on the loopback interface, asked through the same client as any other. */
export async function embeddedModel(): Promise<{ model: Model; server: ModelServer }> {
  const apiKey = randomId(systemRandom, 'loopback')
  const server = await modelServer({ apiKey, respond: reply })
  return { model: openai('embedded', { baseURL: server.baseURL, apiKey }), server }
}
