import { isRingfenceError, RingfenceError } from '@ringfence/core'
import type { Redactor } from './redact/index.ts'

/**
 * An error without the values of known secrets: the same one when it holds none. What a replaced one was caused by is
 * left out, unless it is one of ours: it may quote the value in any form.
 */
export function redactError(error: unknown, redactor: Redactor): unknown {
  if (!isRingfenceError(error)) return error
  const { code, message, hint, details, retry, effect, provider, operation, cause } = error
  const shown = {
    message: redactor.text(message),
    hint: hint === undefined ? undefined : redactor.text(hint),
    details: redactor.json(details),
  }
  const inner = redactError(cause, redactor)
  if (shown.message === message && shown.hint === hint && shown.details === details && inner === cause) return error
  const prefix = provider === undefined ? '' : `${provider}: `
  const text = shown.message.startsWith(prefix) ? shown.message.slice(prefix.length) : shown.message
  return new RingfenceError(code, text, {
    hint: shown.hint,
    details: shown.details,
    retry,
    effect,
    provider,
    operation,
    cause: isRingfenceError(inner) ? inner : undefined,
  })
}
