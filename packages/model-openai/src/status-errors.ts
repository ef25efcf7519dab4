import type { Clock, ErrorDetails, Retry, RingfenceError } from '@ringfence/core'
import type { APIError } from 'openai'
import { objectOf, textOf } from './json.ts'
import type { Quoting } from './quoting.ts'
import { retryAfterMs } from './retry.ts'

/** What errors of one request are made from. */
export interface ErrorContext extends Quoting {
  readonly host: string
  readonly model: string
  /** What the key is called; its value is never quoted. */
  readonly keyName: string
  readonly clock: Clock
}

/** An answer with a status that is not a success, read once. */
interface Refusal {
  readonly status: number
  readonly isJson: boolean
  readonly code: string | undefined
  readonly said: string
  readonly details: ErrorDetails
  /** What the service asks for, in milliseconds. */
  readonly waitMs: number | undefined
  /** False when the service says that asking again is of no use. */
  readonly again: boolean
}

export function invalidResponse({ host, quote, make }: ErrorContext, reason: string, text: string): RingfenceError {
  return make('model.invalid-response', `"${host}" did not answer in the protocol of a model: ${reason}; it begins "${quote(text)}"`, {
    hint: 'Check `baseURL`: it must be that of a model service, with its `/v1`.',
    details: { host },
  })
}

export function rateLimited(
  { host, make }: ErrorContext,
  said: string,
  code: string | undefined,
  retry: Retry,
  details: ErrorDetails,
): RingfenceError {
  const usedUp = code === 'insufficient_quota'
  return make('model.rate-limited', `"${host}" asks to wait: ${said}`, {
    hint: usedUp ? 'The quota is used up: raise it.' : 'Wait as long as `retry` says, or raise the quota.',
    retry: usedUp ? 'never' : retry,
    effect: 'none',
    details,
  })
}

function readRefusal({ host, quote, clock }: ErrorContext, error: APIError, status: number): Refusal {
  const headers = error.headers instanceof Headers ? error.headers : new Headers()
  const body = objectOf(error.error)
  const code = textOf(body.code) ?? textOf(body.type)
  const param = textOf(body.param)
  const requestId = headers.get('x-request-id')
  return {
    status,
    isJson: error.error !== undefined || /\bjson\b/.test(headers.get('content-type') ?? ''),
    code,
    said: quote(textOf(body.message) ?? error.message.replace(/^\d+ /, '')),
    details: {
      host,
      status,
      ...(code ? { code: quote(code) } : {}),
      ...(param ? { param: quote(param) } : {}),
      ...(requestId ? { requestId: quote(requestId) } : {}),
    },
    waitMs: retryAfterMs(headers, clock.now()),
    again: headers.get('x-should-retry') !== 'false',
  }
}

function denied({ host, keyName, make }: ErrorContext, { status, said, details }: Refusal): RingfenceError {
  // What a service says of a wrong key often quotes it.
  const message =
    status === 401
      ? `"${host}" refuses the key of "${keyName}" (status 401)`
      : `"${host}" does not allow it with the key of "${keyName}" (status ${status}): ${said}`
  return make('auth.denied', message, {
    hint: 'Check its value, what it may do, and that it belongs to this service.',
    effect: 'none',
    details,
  })
}

function failed({ host, make }: ErrorContext, { status, said, details, waitMs, again }: Refusal): RingfenceError {
  const retry: Retry = waitMs === undefined ? 'safe' : { afterMs: waitMs }
  return make('model.failed', `"${host}" failed with status ${status}: ${said}`, {
    hint: 'It is a failure of the service: run it again later.',
    retry: again ? retry : 'never',
    details,
  })
}

/**
 * The error of an answer with a status that is not a success.
 *
 * @param backoff the wait in milliseconds when a rate limit names none.
 */
export function statusError(context: ErrorContext, error: APIError, status: number, backoff: number): RingfenceError {
  const { host, model, make } = context
  const refusal = readRefusal(context, error, status)
  const { said, details } = refusal
  if (status >= 300 && status < 400)
    return make('model.failed', `"${host}" redirects (status ${status}), which is not followed: the key goes nowhere else`, {
      hint: 'Give the address that it leads to as `baseURL`, when you trust it.',
      effect: 'none',
      details,
    })
  if (status === 401 || status === 403) return denied(context, refusal)
  if (status === 429) {
    const retry: Retry = refusal.again ? { afterMs: refusal.waitMs ?? Math.max(1000, backoff) } : 'never'
    return rateLimited(context, said, refusal.code, retry, details)
  }
  if (status >= 500 || status === 408 || status === 409) return failed(context, refusal)
  if (!refusal.isJson) return invalidResponse(context, `status ${status} with a body that is not JSON`, said)
  return make('model.failed', `"${host}" refuses the request for the model "${model}" with status ${status}: ${said}`, {
    hint: status === 404 ? 'Check the name of the model, and that `baseURL` ends with `/v1`.' : 'Correct what the service names.',
    effect: 'none',
    details,
  })
}
