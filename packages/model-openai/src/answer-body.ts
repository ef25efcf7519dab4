import type { JsonObject } from '@ringfence/core'
import type { ModelErrors } from './errors.ts'
import { isObject } from './json.ts'
import { readSse, type StreamEvent } from './sse.ts'

/** A JSON answer larger than this is not one of a model. */
const MAX_JSON_BYTES = 64 * 1024 * 1024
const QUOTED_BYTES = 600

/** What came: events, or, from a server that does not stream, one JSON object. */
export type AnswerBody = { readonly events: AsyncIterable<StreamEvent> } | { readonly whole: JsonObject }

async function* heard(body: AsyncIterable<Uint8Array>, touch: () => void, head: Uint8Array[]): AsyncGenerator<Uint8Array> {
  let kept = 0
  for await (const chunk of body) {
    touch()
    if (kept < QUOTED_BYTES) {
      head.push(chunk.slice(0, QUOTED_BYTES - kept))
      kept += chunk.byteLength
    }
    yield chunk
  }
}

async function readAll(bytes: AsyncIterable<Uint8Array>, errors: ModelErrors): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bytes) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > MAX_JSON_BYTES) throw errors.invalid('the JSON has no end', '')
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function readWhole(bytes: AsyncIterable<Uint8Array>, errors: ModelErrors): Promise<JsonObject> {
  const text = await readAll(bytes, errors)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // What it was is quoted in the error; a cut body looks the same, and is safe to ask for again.
    throw text.trimStart().startsWith('{') ? errors.interrupted('its JSON has no end') : errors.invalid('the body is not JSON', text)
  }
  if (!isObject(value)) throw errors.invalid('the body is not an object', text)
  return value
}

async function* readEvents(bytes: AsyncIterable<Uint8Array>, head: Uint8Array[], errors: ModelErrors): AsyncGenerator<StreamEvent> {
  let any = false
  for await (const event of readSse(bytes, errors)) {
    any = true
    yield event
  }
  const text = Buffer.concat(head).toString('utf8')
  // A stream that was cut before its first event still looks like one.
  if (!any && text.trim() !== '' && !/^(:|data:|event:|id:|retry:)/.test(text)) throw errors.invalid('it is no stream of events', text)
}

/**
 * Tells what came by its content type, and reads it as it arrives.
 *
 * @param touch called at each sign of life.
 */
export async function readAnswerBody(answer: Response, errors: ModelErrors, touch: () => void): Promise<AnswerBody> {
  if (!answer.body) throw errors.interrupted('it has no body')
  const head: Uint8Array[] = []
  const bytes = heard(answer.body, touch, head)
  const type = answer.headers.get('content-type') ?? ''
  if (/\bjson\b/i.test(type)) return { whole: await readWhole(bytes, errors) }
  if (/\bhtml\b/i.test(type)) {
    // The first characters are enough, and leaving the loop closes the connection.
    for await (const _ of bytes) if (Buffer.concat(head).length >= QUOTED_BYTES) break
    throw errors.invalid('it is HTML', Buffer.concat(head).toString('utf8'))
  }
  return { events: readEvents(bytes, head, errors) }
}
