import type { JsonObject, JsonValue } from '@ringfence/core'
import { callIdOf, piecesOf, usageOf, writtenArguments } from '../../model/script.ts'
import { isObject } from '../fields.ts'
import type { ServerReply } from '../reply.ts'
import type { AnswerContext } from '../wire-api.ts'

function head(context: AnswerContext, object: string): JsonObject {
  return { id: `chatcmpl-${context.turn}`, object, created: context.created, model: context.request.model }
}

function usageObject(reply: ServerReply, context: AnswerContext): JsonObject {
  const counted = usageOf(reply, context.request.input.length)
  return {
    prompt_tokens: counted.inputTokens,
    completion_tokens: counted.outputTokens,
    total_tokens: counted.inputTokens + counted.outputTokens,
    prompt_tokens_details: { cached_tokens: counted.cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: counted.reasoningTokens },
  }
}

function finishOf({ fault, toolCalls }: ServerReply): string {
  if (fault?.type === 'incomplete') return fault.reason === 'content_filter' ? 'content_filter' : 'length'
  return toolCalls && toolCalls.length > 0 ? 'tool_calls' : 'stop'
}

function errorOf(reply: ServerReply): JsonObject | undefined {
  const { fault } = reply
  return fault?.type === 'failed' ? { error: { message: fault.message, type: fault.code, code: fault.code } } : undefined
}

/** The completion in one piece. */
export function wholeCompletion(reply: ServerReply, context: AnswerContext): JsonObject {
  const calls = (reply.toolCalls ?? []).map((call, index) => ({
    id: callIdOf(call, context.turn, index),
    type: 'function',
    function: { name: call.name, arguments: writtenArguments(call) },
  }))
  const message = {
    role: 'assistant',
    content: reply.text ?? null,
    refusal: reply.refusal ?? null,
    ...(reply.reasoning === undefined ? {} : { reasoning_content: reply.reasoning }),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  }
  const choices = [{ index: 0, message, finish_reason: finishOf(reply), logprobs: null }]
  return errorOf(reply) ?? { ...head(context, 'chat.completion'), choices, usage: usageObject(reply, context) }
}

function* deltas(reply: ServerReply, turn: number): Generator<JsonObject> {
  yield { role: 'assistant', content: reply.text === undefined ? null : '', refusal: null }
  for (const piece of piecesOf(reply.reasoning ?? '')) yield { reasoning_content: piece }
  for (const piece of piecesOf(reply.text ?? '')) yield { content: piece }
  for (const piece of piecesOf(reply.refusal ?? '')) yield { refusal: piece }
  for (const [index, call] of (reply.toolCalls ?? []).entries()) {
    const written = writtenArguments(call)
    yield { tool_calls: [{ index, id: callIdOf(call, turn, index), type: 'function', function: { name: call.name, arguments: '' } }] }
    for (let from = 0; from < written.length; from += 16)
      yield { tool_calls: [{ index, function: { arguments: written.slice(from, from + 16) } }] }
  }
}

/** The stream of a completion, a chunk a frame, and `[DONE]`. */
export function* chatFrames(reply: ServerReply, context: AnswerContext): Generator<string> {
  const frame = (value: JsonValue): string => `data: ${JSON.stringify(value)}\n\n`
  const start = head(context, 'chat.completion.chunk')
  const chunk = (delta: JsonObject, finish: string | null): string =>
    frame({ ...start, choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }] })
  for (const delta of deltas(reply, context.turn)) yield chunk(delta, null)
  const error = errorOf(reply)
  if (error) {
    yield frame(error)
    return
  }
  yield chunk({}, finishOf(reply))
  const options = context.request.body.stream_options
  if (isObject(options) && options.include_usage === true) yield frame({ ...start, choices: [], usage: usageObject(reply, context) })
  yield 'data: [DONE]\n\n'
}
