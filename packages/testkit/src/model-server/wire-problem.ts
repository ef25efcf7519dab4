import { isRingfenceError, type JsonObject, RingfenceError } from '@ringfence/core'

export interface ProblemOptions {
  /** Where in the body, such as `input[2]`. */
  readonly param?: string | undefined
  readonly code?: string | undefined
  /** Default 400. */
  readonly status?: number | undefined
}

/** Refuses a request as a service does. @throws always. */
export function refuse(message: string, { param, code, status = 400 }: ProblemOptions = {}): never {
  throw new RingfenceError('config.invalid', message, {
    operation: 'modelServer',
    hint: 'Correct the request that the client sends.',
    effect: 'none',
    details: { status, param: param ?? null, code: code ?? null },
  })
}

/** The answer for what a handler threw: a refusal, or a failure of the test's own function. */
export function problemAnswer(error: unknown): { readonly status: number; readonly body: JsonObject } {
  const known = isRingfenceError(error) && typeof error.details.status === 'number'
  const message = error instanceof Error ? error.message : String(error)
  const details: Readonly<Record<string, unknown>> = isRingfenceError(error) ? error.details : {}
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return {
    status: known ? Number(details.status) : 500,
    body: {
      error: { message, type: known ? 'invalid_request_error' : 'server_error', param: text(details.param), code: text(details.code) },
    },
  }
}
