import type { JsonObject, JsonValue } from '@ringfence/core'
import { callIdOf, piecesOf, type ScriptedToolCall, usageOf, writtenArguments } from '../../model/script.ts'
import type { ServerReply } from '../reply.ts'
import type { AnswerContext } from '../wire-api.ts'

type Events = Generator<JsonObject>

function wantsEncrypted(context: AnswerContext): boolean {
  const { include } = context.request.body
  return Array.isArray(include) && include.includes('reasoning.encrypted_content')
}

function reasoningItem(text: string, context: AnswerContext): JsonObject {
  const id = `rs_${context.turn}`
  // A real service encrypts; what comes back is compared by nobody, but must come back.
  const encrypted = wantsEncrypted(context) ? { encrypted_content: Buffer.from(`sealed:${id}:${text}`).toString('base64') } : {}
  return { id, type: 'reasoning', summary: [{ type: 'summary_text', text }], ...encrypted }
}

function messageItem(reply: ServerReply, context: AnswerContext): JsonObject {
  const content: JsonValue[] = []
  if (reply.text !== undefined) content.push({ type: 'output_text', text: reply.text, annotations: [], logprobs: [] })
  if (reply.refusal !== undefined) content.push({ type: 'refusal', refusal: reply.refusal })
  return { id: `msg_${context.turn}`, type: 'message', role: 'assistant', status: 'completed', content }
}

function callItem(call: ScriptedToolCall, index: number, { turn }: AnswerContext): JsonObject {
  const common = { call_id: callIdOf(call, turn, index), name: call.name, status: 'completed' }
  if (call.kind === 'custom') return { id: `ctc_${turn}_${index}`, type: 'custom_tool_call', ...common, input: writtenArguments(call) }
  return { id: `fc_${turn}_${index}`, type: 'function_call', ...common, arguments: writtenArguments(call) }
}

function outputOf(reply: ServerReply, context: AnswerContext): JsonObject[] {
  const output: JsonObject[] = []
  if (reply.reasoning !== undefined) output.push(reasoningItem(reply.reasoning, context))
  if (reply.text !== undefined || reply.refusal !== undefined) output.push(messageItem(reply, context))
  for (const [index, call] of (reply.toolCalls ?? []).entries()) output.push(callItem(call, index, context))
  return output
}

function responseObject(context: AnswerContext, members: JsonObject): JsonObject {
  const { request, turn, created } = context
  return {
    id: `resp_${turn}`,
    object: 'response',
    created_at: created,
    model: request.model,
    error: null,
    incomplete_details: null,
    store: request.body.store ?? true,
    output: [],
    usage: null,
    ...members,
  }
}

/** The response at its end: completed, incomplete or failed. */
export function wholeResponse(reply: ServerReply, context: AnswerContext): JsonObject {
  const counted = usageOf(reply, context.request.input.length)
  const usage = {
    input_tokens: counted.inputTokens,
    input_tokens_details: { cached_tokens: counted.cachedInputTokens },
    output_tokens: counted.outputTokens,
    output_tokens_details: { reasoning_tokens: counted.reasoningTokens },
    total_tokens: counted.inputTokens + counted.outputTokens,
  }
  const output = outputOf(reply, context)
  const { fault } = reply
  if (fault?.type === 'failed')
    return responseObject(context, { status: 'failed', error: { code: fault.code, message: fault.message }, output })
  if (fault?.type === 'incomplete')
    return responseObject(context, { status: 'incomplete', incomplete_details: { reason: fault.reason }, output, usage })
  return responseObject(context, { status: 'completed', output, usage })
}

function* textEvents(kind: 'output_text' | 'refusal', text: string, at: JsonObject): Events {
  const part = (value: string): JsonObject =>
    kind === 'output_text' ? { type: kind, text: value, annotations: [] } : { type: kind, refusal: value }
  yield { type: 'response.content_part.added', ...at, part: part('') }
  for (const delta of piecesOf(text)) yield { type: `response.${kind}.delta`, ...at, delta }
  yield { type: `response.${kind}.done`, ...at, ...(kind === 'output_text' ? { text } : { refusal: text }) }
  yield { type: 'response.content_part.done', ...at, part: part(text) }
}

function* itemEvents(item: JsonObject, index: number, reply: ServerReply): Events {
  const at = { item_id: item.id, output_index: index }
  const empty = item.type === 'message' ? { content: [] } : item.type === 'function_call' ? { arguments: '' } : {}
  yield { type: 'response.output_item.added', output_index: index, item: { ...item, ...empty, status: 'in_progress' } }
  if (item.type === 'reasoning') {
    const summary = { ...at, summary_index: 0 }
    yield { type: 'response.reasoning_summary_part.added', ...summary, part: { type: 'summary_text', text: '' } }
    for (const delta of piecesOf(reply.reasoning ?? '')) yield { type: 'response.reasoning_summary_text.delta', ...summary, delta }
    yield { type: 'response.reasoning_summary_text.done', ...summary, text: reply.reasoning ?? '' }
  } else if (item.type === 'message') {
    let contentIndex = 0
    if (reply.text !== undefined) yield* textEvents('output_text', reply.text, { ...at, content_index: contentIndex++ })
    if (reply.refusal !== undefined) yield* textEvents('refusal', reply.refusal, { ...at, content_index: contentIndex })
  } else {
    const [kind, field] =
      item.type === 'function_call' ? (['function_call_arguments', 'arguments'] as const) : (['custom_tool_call_input', 'input'] as const)
    const written = String(item[field])
    for (let from = 0; from < written.length; from += 16)
      yield { type: `response.${kind}.delta`, ...at, delta: written.slice(from, from + 16) }
    yield { type: `response.${kind}.done`, ...at, [field]: written }
  }
  yield { type: 'response.output_item.done', output_index: index, item }
}

function* events(reply: ServerReply, context: AnswerContext): Events {
  const begun = responseObject(context, { status: 'in_progress' })
  yield { type: 'response.created', response: begun }
  yield { type: 'response.in_progress', response: begun }
  for (const [index, item] of outputOf(reply, context).entries()) yield* itemEvents(item, index, reply)
  const response = wholeResponse(reply, context)
  yield { type: `response.${String(response.status)}`, response }
}

/** The stream of a response, an event a frame. */
export function* responsesFrames(reply: ServerReply, context: AnswerContext): Generator<string> {
  let sequence = 0
  for (const event of events(reply, context))
    yield `event: ${String(event.type)}\ndata: ${JSON.stringify({ ...event, sequence_number: sequence++ })}\n\n`
}
