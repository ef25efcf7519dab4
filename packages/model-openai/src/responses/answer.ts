import type { JsonObject, JsonValue, ModelEvent, ModelResponse, OutputItem, Usage } from '@ringfence/core'
import type { ModelErrors } from '../errors.ts'
import { countOf, listOf, objectOf, textOf } from '../json.ts'
import type { Reading } from '../protocol.ts'
import type { StreamEvent } from '../sse.ts'

function usageOf(value: JsonValue | undefined): Usage {
  const usage = objectOf(value)
  return {
    requests: 1,
    inputTokens: countOf(usage.input_tokens),
    cachedInputTokens: countOf(objectOf(usage.input_tokens_details).cached_tokens),
    outputTokens: countOf(usage.output_tokens),
    reasoningTokens: countOf(objectOf(usage.output_tokens_details).reasoning_tokens),
  }
}

function messageOf(item: JsonObject): OutputItem {
  let text = ''
  let refusal: string | undefined
  for (const part of listOf(item.content).map(objectOf)) {
    if (part.type === 'output_text') text += textOf(part.text) ?? ''
    else if (part.type === 'refusal') refusal = (refusal ?? '') + (textOf(part.refusal) ?? '')
  }
  const { phase } = item
  return {
    type: 'message',
    role: 'assistant',
    id: textOf(item.id),
    text,
    ...(refusal === undefined ? {} : { refusal }),
    ...(phase === 'commentary' || phase === 'final_answer' ? { phase } : {}),
  }
}

function reasoningOf(item: JsonObject): OutputItem {
  const texts = (parts: JsonValue | undefined): string[] => listOf(parts).map((part) => textOf(objectOf(part).text) ?? '')
  const summary = texts(item.summary)
  return { type: 'reasoning', id: textOf(item.id), summary: summary.length > 0 ? summary : texts(item.content), raw: item }
}

function callOf(item: JsonObject, kind: 'function' | 'custom', errors: ModelErrors): OutputItem {
  const callId = textOf(item.call_id)
  const name = textOf(item.name)
  const written = textOf(kind === 'function' ? item.arguments : item.input)
  if (!callId || !name || written === undefined) throw errors.invalid('a tool call lacks its id, name or arguments', JSON.stringify(item))
  return { type: 'tool_call', id: textOf(item.id), callId, name, arguments: written, kind }
}

/**
 * One item of an answer. A type that is not known is refused: the tools that make others are never asked for, and to
 * leave an item out would alter the conversation.
 */
function outputItem(value: JsonValue, errors: ModelErrors): OutputItem {
  const item = objectOf(value)
  switch (item.type) {
    case 'message':
      return messageOf(item)
    case 'reasoning':
      return reasoningOf(item)
    case 'function_call':
      return callOf(item, 'function', errors)
    case 'custom_tool_call':
      return callOf(item, 'custom', errors)
    default:
      throw errors.invalid(`an output item has the type "${String(item.type)}", which is not known`, JSON.stringify(value))
  }
}

/** The answer that a response object is; one that is not complete throws. */
export function responseOf(response: JsonObject, { errors }: Pick<Reading, 'errors'>, streamed: readonly JsonValue[] = []): ModelResponse {
  const usage = usageOf(response.usage)
  const { status } = response
  if (status === 'incomplete') throw errors.incomplete(textOf(objectOf(response.incomplete_details).reason) ?? 'no reason given', usage)
  if (status === 'failed' || (response.error !== undefined && response.error !== null)) throw errors.reported(response.error)
  if (status !== undefined && status !== 'completed') throw errors.interrupted(`its status is "${String(status)}"`)
  const listed = listOf(response.output)
  if (!Array.isArray(response.output) && streamed.length === 0) throw errors.invalid('it has no output', JSON.stringify(response))
  // Some servers list nothing at the end, since they have streamed it.
  const items = (listed.length > 0 ? listed : streamed).map((item) => outputItem(item, errors))
  return { responseId: textOf(response.id), items, usage }
}

/** Reads the events of a streamed response. Arguments of tools are not handed on in parts. */
export async function* readResponses(events: AsyncIterable<StreamEvent>, reading: Reading): AsyncGenerator<ModelEvent> {
  const streamed: JsonValue[] = []
  let complete = false
  for await (const event of events) {
    if (complete || event === 'done') continue
    switch (event.type) {
      case 'response.output_text.delta':
        if (textOf(event.delta)) yield { type: 'text-delta', delta: String(event.delta) }
        break
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        if (textOf(event.delta)) yield { type: 'reasoning-delta', delta: String(event.delta) }
        break
      case 'response.output_item.done':
        if (event.item !== undefined) streamed.push(event.item)
        break
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        yield { type: 'completed', response: responseOf(objectOf(event.response), reading, streamed) }
        complete = true
        break
      case 'error':
        throw reading.errors.reported(event.error ?? event)
      default:
        // An event without a type that holds an error is how gateways report one.
        if (event.type === undefined && event.error) throw reading.errors.reported(event.error)
    }
  }
}
