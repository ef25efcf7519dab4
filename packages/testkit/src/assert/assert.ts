import { inspect, isDeepStrictEqual } from 'node:util'
import { type ErrorCode, type ErrorDetails, isRingfenceError, RingfenceError } from '@ringfence/core'

/** `conformance.failed` with a message. */
export function conformanceError(message: string, cause?: unknown, details?: ErrorDetails): RingfenceError {
  return new RingfenceError('conformance.failed', message, { cause, details, hint: 'Correct the plugin, or the list that names it.' })
}

/** What a thrown value says of itself. */
export function messageOf(error: unknown): string {
  if (isRingfenceError(error)) return error.code === 'conformance.failed' ? error.message : `${error.code}: ${error.message}`
  return error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)
}

const show = (value: unknown): string => inspect(value, { depth: 6, maxArrayLength: 40, maxStringLength: 400, breakLength: 140 })

/** @throws always, `conformance.failed`. */
export function failCheck(message: string): never {
  throw conformanceError(message)
}

/** @throws `conformance.failed` with the message, when the condition is not true. */
export function expectTrue(condition: boolean, message: string): asserts condition {
  if (condition !== true) failCheck(message)
}

/** Compares deeply and strictly. @throws `conformance.failed` with both values. */
export function expectEqual(actual: unknown, expected: unknown, what = 'The value'): void {
  if (!isDeepStrictEqual(actual, expected)) failCheck(`${what} is ${show(actual)}; expected ${show(expected)}`)
}

/** Compares bytes, also long ones. @throws `conformance.failed` that names both lengths and the first difference. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array, what = 'The content'): void {
  if (Buffer.compare(actual, expected) === 0) return
  const shorter = Math.min(actual.length, expected.length)
  let at = 0
  while (at < shorter && actual[at] === expected[at]) at += 1
  failCheck(`${what} has ${actual.length} bytes, expected ${expected.length}; they differ from byte ${at} on`)
}

/** What a promise, or a function, throws. @throws `conformance.failed` when it does not. */
export async function expectThrown(work: Promise<unknown> | (() => unknown), what = 'The call'): Promise<unknown> {
  let value: unknown
  try {
    value = await (typeof work === 'function' ? work() : work)
  } catch (error) {
    return error
  }
  failCheck(`${what} gave ${show(value)}; expected an error`)
}

/** Expects an error of a code. @returns it. @throws `conformance.failed` when there is none, or another. */
export async function expectCode(work: Promise<unknown> | (() => unknown), code: ErrorCode, what = 'The call'): Promise<RingfenceError> {
  const error = await expectThrown(work, what)
  if (!isRingfenceError(error, code)) throw conformanceError(`${what} threw "${messageOf(error)}"; expected the code "${code}"`, error)
  return error
}

/** Expects the very value that was given as the reason of an abort. @throws `conformance.failed`. */
export async function expectReason(work: Promise<unknown> | (() => unknown), reason: unknown, what = 'The call'): Promise<void> {
  const error = await expectThrown(work, what)
  if (error !== reason) throw conformanceError(`${what} threw "${messageOf(error)}"; expected the reason of the signal itself`, error)
}

/** All bytes of a stream, as one. */
export async function collectBytes(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
