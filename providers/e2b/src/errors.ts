import { isRingfenceError, type Retry, RingfenceError } from '@ringfence/core'
import { type ProviderErrors, providerErrors } from '@ringfence/core/plugin'

/** The errors of this provider. */
export const errors: ProviderErrors = providerErrors('e2b')

export function missingKey(operation: string, variable: string, cause?: unknown): RingfenceError {
  return new RingfenceError('auth.missing', 'There is no API key of E2B', {
    provider: 'e2b',
    operation,
    hint: `Set the variable ${variable}, or give the option apiKey. Keys are made in the vendor's dashboard.`,
    effect: 'none',
    cause,
  })
}

/** What went wrong with a call, as far as the SDK tells. */
export interface Failure {
  /** The HTTP status; `undefined` when no answer came. */
  readonly status: number | undefined
  /** The code of the protocol of processes, where it was one of its calls. */
  readonly code: number | undefined
  readonly message: string
  readonly retryAfterMs: number | undefined
}

/** Codes of the protocol of processes. */
export const CODE = { invalidArgument: 3, notFound: 5, exhausted: 8, internal: 13, unavailable: 14, unauthenticated: 16 } as const

/** Errors of the SDK that say their status by their name alone. */
const STATUS_OF: Readonly<Record<string, number>> = {
  AuthenticationError: 401,
  NotFoundError: 404,
  SandboxNotFoundError: 404,
  RateLimitError: 429,
  ServiceBusyError: 503,
}
/** The vendor lets one to five sandboxes be made in a second. The SDK has waited before as long as it was told. */
const CREATION_MS = 1000
const NOT_REACHED = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT|SELF_SIGNED/
const FIRST = ['sandbox.create', 'sandbox.resume', 'sandbox.find', 'snapshot.delete']
const LONGEST = 500

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

/** Reads an error of the SDK, of its protocol, or of the network. */
export function failureOf(error: unknown): Failure {
  const name = error instanceof Error ? error.name : ''
  const said = fieldOf(error, 'rawMessage') ?? (error instanceof Error ? error.message : String(error))
  const text = typeof said === 'string' ? said : ''
  const code = name === 'ConnectError' ? fieldOf(error, 'code') : undefined
  const byText = Number(/^HTTP (\d{3})\b/.exec(text)?.[1] ?? Number.NaN)
  // A call that is no stream tells its status by its text alone.
  const isLimited = code === CODE.exhausted || (code === CODE.unavailable && /rate limit|too many requests/i.test(text))
  const status =
    fieldOf(error, 'statusCode') ?? STATUS_OF[name] ?? (isLimited ? 429 : undefined) ?? (Number.isNaN(byText) ? undefined : byText)
  const headers = fieldOf(error, 'metadata')
  const delay = Number(headers instanceof Headers ? (headers.get('retry-after') ?? Number.NaN) : Number.NaN)
  return {
    status: typeof status === 'number' ? status : undefined,
    code: typeof code === 'number' ? code : undefined,
    // A proxy on the way answers with a page.
    message: /<(?:!doctype|html)/i.test(text) ? 'a page of HTML, not an answer of the service' : text.slice(0, LONGEST),
    retryAfterMs: Number.isFinite(delay) ? delay * 1000 : undefined,
  }
}

/** The network error below an error of `fetch`. */
function reasonOf(error: unknown): string {
  const cause = fieldOf(error, 'cause')
  return [fieldOf(cause, 'code'), cause instanceof Error ? cause.message : undefined].filter(Boolean).join(': ')
}

const failed = (operation: string, message: string, effect: 'none' | 'unknown', retry: Retry, cause: unknown): RingfenceError =>
  new RingfenceError('provider.failed', message, {
    provider: 'e2b',
    operation,
    effect,
    retry,
    cause,
    hint:
      effect === 'none' ? 'Nothing was done: ask again after a while.' : 'The sandbox may go on meanwhile: look before it is asked again.',
  })

/**
 * Says what a failed call means. Every error of the vendor comes through here.
 *
 * @param id the sandbox that it was about: that the vendor does not know it is `sandbox.gone`.
 * @param effect what a call whose answer was lost may have done; default `unknown`.
 */
export function mapped(operation: string, error: unknown, id?: string, effect: 'none' | 'unknown' = 'unknown'): RingfenceError {
  if (isRingfenceError(error)) return error
  const failure = failureOf(error)
  const { status, code, message } = failure
  if (status === 401 || status === 403 || code === CODE.unauthenticated)
    return new RingfenceError('auth.denied', `The service refuses the credential: "${message}"`, {
      provider: 'e2b',
      operation,
      hint: 'Check the value of E2B_API_KEY or of the option apiKey, and that it belongs to the team of the sandbox.',
      effect: 'none',
      cause: error,
    })
  if (status === 404 && id !== undefined) return errors.gone(operation, id, error)
  if (status === 429) {
    const afterMs = failure.retryAfterMs ?? CREATION_MS
    return failed(operation, 'The service asks to wait: too many requests', 'none', { afterMs }, error)
  }
  if (status === 503 && code === undefined)
    return failed(operation, `The service is busy: "${message}"`, 'none', { afterMs: CREATION_MS }, error)
  if (status !== undefined && status >= 400 && status < 500) {
    if (operation === 'sandbox.create' && status === 400)
      return errors.invalid(operation, `The service refuses: "${message}"`, 'Correct the option, or ask for a shorter lifetime.')
    return failed(operation, `The service answers ${status}: "${message}"`, 'none', 'never', error)
  }
  if (status !== undefined) return failed(operation, `The service answers ${status}: "${message}"`, effect, 'never', error)
  const reason = reasonOf(error)
  if (NOT_REACHED.test(reason) && FIRST.includes(operation))
    return errors.unavailable(
      operation,
      `The service cannot be reached: "${reason}"`,
      'Check the network, E2B_DOMAIN and the option domain.',
      error,
    )
  return failed(operation, `No answer of the service came: "${[message, reason].filter(Boolean).join(', ')}"`, effect, 'never', error)
}

/** Says that an answer did not come in time. */
export const late = (operation: string, ms: number, effect: 'none' | 'unknown' = 'unknown'): RingfenceError =>
  failed(operation, `The service did not answer within ${ms} ms`, effect, 'never', undefined)

/** Says that there is no such template or snapshot. */
export function notFound(what: 'template' | 'snapshot', name: string, cause: unknown): RingfenceError {
  if (what === 'template')
    return errors.startFailed(`There is no template "${name}"`, 'Correct the option template, or build the template first.', cause)
  return new RingfenceError('snapshot.not-found', `The service has no snapshot "${name}"`, {
    provider: 'e2b',
    operation: 'sandbox.create',
    hint: 'It was deleted, or belongs to another team.',
    effect: 'none',
    cause,
  })
}
