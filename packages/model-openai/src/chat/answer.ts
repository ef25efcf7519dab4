import {
  type JsonObject,
  type JsonValue,
  type ModelEvent,
  type ModelResponse,
  NO_USAGE,
  type OutputItem,
  type Usage,
} from '@ringfence/core'
import { countOf, listOf, objectOf, textOf } from '../json.ts'
import type { Reading } from '../protocol.ts'
import type { StreamEvent } from '../sse.ts'
import { toolCallParts } from './tool-calls.ts'

function usageOf(value: JsonValue | undefined): Usage | undefined {
  if (value === undefined || value === null) return undefined
  const usage = objectOf(value)
  return {
    requests: 1,
    inputTokens: countOf(usage.prompt_tokens),
    cachedInputTokens: countOf(objectOf(usage.prompt_tokens_details).cached_tokens),
    outputTokens: countOf(usage.completion_tokens),
    reasoningTokens: countOf(objectOf(usage.completion_tokens_details).reasoning_tokens),
  }
}

/** An answer that is put together from its parts. */
interface Answer {
  /** Takes a delta, or a whole message, and gives what of it can be handed on. */
  add(delta: JsonObject): ModelEvent[]
  end(finish: JsonValue | undefined): ModelResponse
  seen(chunk: JsonObject): void
}

function newAnswer({ errors, random }: Reading): Answer {
  let text = ''
  let reasoning = ''
  let refusal: string | undefined
  let id: string | undefined
  // A server that counts nothing has still been asked once.
  let usage: Usage = { ...NO_USAGE, requests: 1 }
  const calls = toolCallParts()
  return {
    seen(chunk) {
      id ??= textOf(chunk.id) || undefined
      usage = usageOf(chunk.usage) ?? usage
    },
    add(delta) {
      const events: ModelEvent[] = []
      // Not in OpenAI's own API: two names that other servers use.
      const thought = textOf(delta.reasoning_content) ?? textOf(delta.reasoning)
      if (thought) {
        reasoning += thought
        events.push({ type: 'reasoning-delta', delta: thought })
      }
      const said = textOf(delta.content)
      if (said) {
        text += said
        events.push({ type: 'text-delta', delta: said })
      }
      if (textOf(delta.refusal)) refusal = (refusal ?? '') + String(delta.refusal)
      for (const part of listOf(delta.tool_calls)) calls.add(objectOf(part))
      return events
    },
    end(finish) {
      if (finish === 'length') throw errors.incomplete('max_output_tokens', usage)
      if (finish === 'content_filter') throw errors.incomplete('content_filter', usage)
      const called = calls.items(errors, random)
      const items: OutputItem[] = []
      if (reasoning !== '') items.push({ type: 'reasoning', summary: [reasoning] })
      if (text !== '' || refusal !== undefined || called.length === 0)
        items.push({ type: 'message', role: 'assistant', text, ...(refusal === undefined ? {} : { refusal }) })
      return { responseId: id, items: [...items, ...called], usage }
    },
  }
}

/** The answer that a completion object is. */
export function completionOf(body: JsonObject, reading: Reading): ModelResponse {
  if (body.error !== undefined && body.error !== null) throw reading.errors.reported(body.error)
  const choice = objectOf(listOf(body.choices)[0])
  if (choice.message === undefined) throw reading.errors.invalid('it has no message', JSON.stringify(body))
  const answer = newAnswer(reading)
  answer.seen(body)
  answer.add(objectOf(choice.message))
  return answer.end(choice.finish_reason)
}

/**
 * Reads the chunks of a streamed completion. It is complete with a finish reason or with `[DONE]`; one that ends with
 * neither was cut. The usage comes after the finish reason, so that the answer is given at the end of the stream.
 */
export async function* readChat(events: AsyncIterable<StreamEvent>, reading: Reading): AsyncGenerator<ModelEvent> {
  const answer = newAnswer(reading)
  let finish: JsonValue | undefined
  let began = false
  let complete = false
  for await (const chunk of events) {
    if (complete) continue
    if (chunk === 'done') {
      if (!began) throw reading.errors.interrupted('it has nothing in it')
      yield { type: 'completed', response: answer.end(finish) }
      complete = true
      continue
    }
    if (chunk.error) throw reading.errors.reported(chunk.error)
    answer.seen(chunk)
    const choice = objectOf(listOf(chunk.choices).find((one) => (objectOf(one).index ?? 0) === 0))
    const delta = choice.delta ?? choice.message
    if (delta !== undefined) began = true
    yield* answer.add(objectOf(delta))
    finish = choice.finish_reason ?? finish
  }
  if (!complete && finish !== undefined && finish !== null) yield { type: 'completed', response: answer.end(finish) }
}
