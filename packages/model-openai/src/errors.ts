import { isRingfenceError, type JsonObject, type JsonValue, type RingfenceError, type Usage } from '@ringfence/core'
import { objectOf, textOf } from './json.ts'
import { type ErrorContext, invalidResponse, rateLimited, statusError } from './status-errors.ts'

type Vendor = typeof import('openai')

/** The errors of one request: what they quote is scrubbed of the key, and none has a cause that could hold it. */
export interface ModelErrors {
  /** Maps whatever a request threw. `backoff` is the wait when the service names none. */
  from(error: unknown, vendor: Vendor, backoff: number): RingfenceError
  /** The service says in its own words, within a stream, that it failed. */
  reported(error: JsonValue | undefined): RingfenceError
  interrupted(reason: string, details?: JsonObject): RingfenceError
  /** The answer has an end that is not its proper one, such as `max_output_tokens`. */
  incomplete(reason: string, usage: Usage): RingfenceError
  invalid(reason: string, text: string): RingfenceError
  /** Nothing was heard for too long. */
  silent(limitMs: number, started: boolean): RingfenceError
  /** A failure after a part of the answer was handed on. */
  afterPart(failure: RingfenceError): RingfenceError
}

const UNREACHED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])
/** Codes of errors within a stream that pass by themselves. */
const PASSING = new Set(['server_error', 'internal_error', 'internal_server_error', 'overloaded', 'service_unavailable', 'timeout'])
const RATE_CODES = new Set(['rate_limit_exceeded', 'rate_limit_error', 'insufficient_quota', 'slow_down'])
const RATE_WAIT_MS = 1000

/** The code of the network's error, wherever it is in the chain of causes. */
function networkCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 6; depth++) {
    const code = 'code' in at ? textOf(at.code) : undefined
    if (code) return code
    at = 'cause' in at ? at.cause : undefined
  }
  return undefined
}

/** How the `fetch` of Node says that a body ended before its end. */
function isBrokenBody(error: unknown, reason: string | undefined): boolean {
  return reason !== undefined || (error instanceof Error && (error.message === 'terminated' || error.name === 'AbortError'))
}

function networkError({ host, make }: ErrorContext, error: unknown): RingfenceError {
  const reason = networkCode(error)
  const reached = reason === undefined || !UNREACHED.has(reason)
  return make('model.failed', reached ? `"${host}" broke the connection off before it answered` : `"${host}" cannot be reached`, {
    hint: 'Check `baseURL`, and that the service runs and the network reaches it.',
    retry: 'safe',
    effect: reached ? 'unknown' : 'none',
    details: { host, ...(reason ? { reason } : {}) },
  })
}

function reportedError(context: ErrorContext, value: JsonValue | undefined): RingfenceError {
  const { host, quote, make } = context
  const body = objectOf(value)
  const code = textOf(body.code) ?? textOf(body.type)
  const said = quote(textOf(value) ?? textOf(body.message) ?? code ?? 'it does not say why')
  const details = { host, ...(code ? { code: quote(code) } : {}) }
  if (code && RATE_CODES.has(code)) return rateLimited(context, said, code, { afterMs: RATE_WAIT_MS }, details)
  return make('model.failed', `"${host}" failed in the middle of its answer: ${said}`, {
    hint: 'Read what the service says; run it again when it is a failure of the service.',
    retry: code && PASSING.has(code) ? 'safe' : 'never',
    details,
  })
}

/** The errors of requests to one service for one model. */
export function modelErrors(context: ErrorContext): ModelErrors {
  const { host, model, quote, make } = context
  const interrupted: ModelErrors['interrupted'] = (reason, details = {}) =>
    make('model.interrupted', `The answer of "${host}" was cut: ${reason}`, {
      hint: 'Run it again; a part of an answer is never taken for one.',
      retry: 'safe',
      details: { host, ...details },
    })
  return {
    from(error, vendor, backoff) {
      if (isRingfenceError(error)) return error
      if (error instanceof vendor.APIConnectionError) return networkError(context, error)
      if (error instanceof vendor.APIError && typeof error.status === 'number') return statusError(context, error, error.status, backoff)
      const reason = networkCode(error)
      if (isBrokenBody(error, reason)) return interrupted('the connection broke', reason ? { reason } : {})
      return make('model.failed', `The request could not be made: ${quote(error instanceof Error ? error.message : String(error))}`, {
        hint: 'Check the headers and the settings that the request is made of.',
      })
    },
    reported: (error) => reportedError(context, error),
    interrupted,
    invalid: (reason, text) => invalidResponse(context, reason, text),
    incomplete: (reason, usage) =>
      make('model.interrupted', `The model "${model}" did not finish its answer: ${quote(reason)}`, {
        hint: reason === 'max_output_tokens' ? 'Raise `maxTokens`, or ask for less.' : 'The service stopped it; ask in another way.',
        details: { host, reason: quote(reason), usage },
      }),
    silent: (limitMs, started) =>
      make(started ? 'model.interrupted' : 'model.failed', `"${host}" was silent for ${limitMs} ms${started ? ' in its answer' : ''}`, {
        hint: 'Check the state of the service, or raise `timeoutMs`.',
        retry: 'safe',
        details: { host, timeoutMs: limitMs },
      }),
    afterPart(failure) {
      if (failure.retry === 'never' || failure.code === 'model.interrupted') return failure
      return make('model.interrupted', `The answer was cut after a part of it was handed on: ${failure.message}`, {
        hint: failure.hint,
        retry: failure.retry,
        details: failure.details,
        cause: failure,
      })
    },
  }
}
