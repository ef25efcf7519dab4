import { abortable, type ModelCall, type ModelEvent, type ModelRequest, type ModelResponse, throwIfAborted } from '@ringfence/core'
import { readAnswerBody } from './answer-body.ts'
import { type ModelErrors, modelErrors } from './errors.ts'
import { baseURLOf, keyNameOf, readKey, type Settings } from './options.ts'
import type { Protocol } from './protocol.ts'
import { quoting } from './quoting.ts'
import { backoffMs, waitBeforeRetry } from './retry.ts'
import { type SilenceWatch, watchSilence } from './silence.ts'

/** A timer of the client would be a second clock; the longest that Node knows is none. */
const NO_CLIENT_TIMEOUT_MS = 2_147_483_647
/** How long the end of a stream is waited for after the answer is complete. */
const END_OF_STREAM_MS = 1_000

type Vendor = typeof import('openai')

/** One model as one API is asked for it. */
export interface Asker {
  readonly model: string
  readonly settings: Settings
  readonly protocol: Protocol
}

function clientOf(vendor: Vendor, settings: Settings, apiKey: string, baseURL: string): InstanceType<Vendor['OpenAI']> {
  return new vendor.OpenAI({
    apiKey,
    baseURL,
    adminAPIKey: null,
    ...(settings.organization === undefined ? {} : { organization: settings.organization }),
    ...(settings.project === undefined ? {} : { project: settings.project }),
    maxRetries: 0,
    timeout: NO_CLIENT_TIMEOUT_MS,
    // Requests and answers are logged after redaction, by the tracer, or not at all.
    logLevel: 'off',
    // A redirect would take the conversation, and headers with keys in them, to another origin.
    fetchOptions: { redirect: 'manual' },
  })
}

interface Attempt {
  readonly asker: Asker
  readonly client: InstanceType<Vendor['OpenAI']>
  readonly body: object
  readonly call: ModelCall
  readonly errors: ModelErrors
  /** Called before a part of the answer is handed on. */
  readonly onPart: () => void
}

/**
 * One request and its answer. However it ends, the connection, the timers and the listener end with it. A complete
 * answer is read to the end of its stream, so that the connection serves the next request.
 */
async function* attemptOnce({ asker, client, body, call, errors, onPart }: Attempt): AsyncGenerator<ModelEvent, ModelResponse> {
  const { settings, protocol } = asker
  const ended = new AbortController()
  const end = (): void => ended.abort()
  call.signal?.addEventListener('abort', end, { once: true })
  let silent = false
  let started = false
  let response: ModelResponse | undefined
  const watches: SilenceWatch[] = []
  const watch = watchSilence(call.clock, settings.timeoutMs, () => {
    silent = true
    end()
  })
  watches.push(watch)
  try {
    const headers = { ...settings.headers, 'Idempotency-Key': call.idempotencyKey }
    const answer = await client.post(protocol.path, { body, headers, signal: ended.signal }).asResponse()
    started = true
    watch.touch()
    const came = await readAnswerBody(answer, errors, watch.touch)
    const reading = { errors, random: call.random }
    if ('whole' in came) return protocol.whole(came.whole, reading)
    for await (const event of protocol.read(came.events, reading)) {
      if (event.type === 'completed') {
        response = event.response
        watches.push(watchSilence(call.clock, END_OF_STREAM_MS, end))
      } else {
        onPart()
        yield event
      }
    }
  } catch (error) {
    // What breaks after the model said that it was complete breaks nothing.
    if (response === undefined) throw silent ? errors.silent(settings.timeoutMs, started) : error
  } finally {
    for (const one of watches) one.stop()
    call.signal?.removeEventListener('abort', end)
    end()
  }
  if (response === undefined) throw errors.interrupted('it ended before the model said that it was complete')
  return response
}

/** Asks, and asks again while nothing of an answer was handed on. */
export async function* ask(asker: Asker, request: ModelRequest, call: ModelCall): AsyncGenerator<ModelEvent> {
  throwIfAborted(call.signal)
  const { settings, protocol, model } = asker
  const baseURL = baseURLOf(settings)
  const apiKey = await abortable(readKey(settings.apiKey), call.signal)
  const vendor = await import('openai')
  throwIfAborted(call.signal)
  const hidden = [apiKey, ...Object.values(settings.headers)].filter((value) => value.length >= 8)
  const errors = modelErrors({ ...quoting(hidden), host: baseURL.host, model, keyName: keyNameOf(settings.apiKey), clock: call.clock })
  const client = clientOf(vendor, settings, apiKey, baseURL.href.replace(/\/$/, ''))
  let retries = 0
  for (let requests = 1; ; requests++) {
    const body = protocol.body(request, model)
    let handedOn = false
    const backoff = backoffMs(retries + 1, call.random)
    let wait: number | undefined
    try {
      const onPart = (): void => {
        handedOn = true
      }
      const response = yield* attemptOnce({ asker, client, body, call, errors, onPart })
      yield { type: 'completed', response: { ...response, usage: { ...response.usage, requests } } }
      return
    } catch (error) {
      throwIfAborted(call.signal)
      const failure = errors.from(error, vendor, backoff)
      if (handedOn) throw errors.afterPart(failure)
      if (protocol.adapt(failure)) continue
      wait = waitBeforeRetry(failure, backoff, call.random)
      if (wait === undefined || retries >= settings.maxRetries) throw failure
    }
    retries++
    await call.clock.sleep(wait, { signal: call.signal })
  }
}
