import type { JsonObject } from '@ringfence/core'
import { isObject } from './json.ts'

/** One event of a stream: its JSON, or the `[DONE]` that ends Chat Completions. */
export type StreamEvent = JsonObject | 'done'

/** A single event larger than this is not an answer of a model. */
const MAX_EVENT_CHARACTERS = 64 * 1024 * 1024

export interface SseProblems {
  /** What is thrown for an event that is not JSON, or is too large. */
  invalid(reason: string, text: string): Error
}

/**
 * Reads server-sent events as they arrive. An event that the end of the stream cuts is not given. The bytes are read by
 * us and not by the vendor's client, which hides comments (a sign of life) and `[DONE]` (a sign of the end).
 */
export async function* readSse(bytes: AsyncIterable<Uint8Array>, problems: SseProblems): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder()
  let line = ''
  let data: string[] = []
  let size = 0
  for await (const chunk of bytes) {
    const text = decoder.decode(chunk, { stream: true })
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      line += text.slice(from, end)
      from = end + 1
      if (line.endsWith('\r')) line = line.slice(0, -1)
      if (line === '') {
        if (data.length > 0) yield parseEvent(data.join('\n'), problems)
        data = []
        size = 0
      } else if (line.startsWith('data:')) {
        data.push(line.slice(line[5] === ' ' ? 6 : 5))
        size += line.length
      }
      line = ''
    }
    line += text.slice(from)
    if (size + line.length > MAX_EVENT_CHARACTERS) throw problems.invalid('an event has no end', line)
  }
}

function parseEvent(data: string, problems: SseProblems): StreamEvent {
  if (data.startsWith('[DONE]')) return 'done'
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    // What it was is quoted in the error.
    throw problems.invalid('an event is not JSON', data)
  }
  if (!isObject(value)) throw problems.invalid('an event is not an object', data)
  return value
}
