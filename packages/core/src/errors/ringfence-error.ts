import type { ErrorCode } from './codes.ts'

/** Whether the same call may be made again: never, at once, or after a wait in milliseconds. */
export type Retry = 'never' | 'safe' | { readonly afterMs: number }

/** What the failed call did to the world. Recovery reads it. */
export type Effect = 'none' | 'unknown' | 'done'

/** JSON values that tell more about an error. They never hold a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>

export interface RingfenceErrorOptions {
  /** What to do about it. Default: nothing is said. */
  readonly hint?: string | undefined
  readonly details?: ErrorDetails | undefined
  /** Default `never`. */
  readonly retry?: Retry | undefined
  /** Default `unknown`. */
  readonly effect?: Effect | undefined
  /** The plugin that speaks. The message begins with it. */
  readonly provider?: string | undefined
  /** The call that failed, such as `sandbox.create`. */
  readonly operation?: string | undefined
  readonly cause?: unknown
}

const BRAND = Symbol.for('ringfence.error')

/**
 * The one class of errors. Recognise it with {@link isRingfenceError}, which also works when two copies of this
 * package are installed.
 */
export class RingfenceError extends Error {
  override readonly name = 'RingfenceError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: ErrorDetails
  readonly retry: Retry
  readonly effect: Effect
  readonly provider: string | undefined
  readonly operation: string | undefined

  /**
   * @param code a code of the catalogue.
   * @param message what happened and why, with the value in quotes; never a secret.
   */
  constructor(code: ErrorCode, message: string, options: RingfenceErrorOptions = {}) {
    super(options.provider ? `${options.provider}: ${message}` : message, options.cause === undefined ? {} : { cause: options.cause })
    Object.defineProperty(this, BRAND, { value: true })
    this.code = code
    this.hint = options.hint
    this.details = options.details ?? {}
    this.retry = options.retry ?? 'never'
    this.effect = options.effect ?? 'unknown'
    this.provider = options.provider
    this.operation = options.operation
  }

  /** The JSON form: all that a log needs, without the cause, which may hold what a vendor said. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, hint, details, retry, effect, provider, operation } = this
    return { name, code, message, hint, details, retry, effect, provider, operation }
  }
}

/** Tells whether a value is a {@link RingfenceError}, of a given code when one is named. */
export function isRingfenceError(value: unknown, code?: ErrorCode): value is RingfenceError {
  if (typeof value !== 'object' || value === null || !(BRAND in value)) return false
  return code === undefined || (value as { code?: unknown }).code === code
}
