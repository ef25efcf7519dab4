import type { Random, RingfenceError } from '@ringfence/core'

const FIRST_BACKOFF_MS = 500
const LONGEST_BACKOFF_MS = 8_000
/** A service that asks for a longer wait is not waited for here: the caller decides. */
const LONGEST_WAIT_MS = 60_000

function fraction(random: Random): number {
  const [a = 0, b = 0] = random.bytes(2)
  return (a * 256 + b) / 65_536
}

/** The wait before an attempt: 0.5 s, doubled each time up to 8 s, and half of it left to chance. */
export function backoffMs(attempt: number, random: Random): number {
  const longest = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), LONGEST_BACKOFF_MS)
  return Math.round(longest * (0.5 + fraction(random) / 2))
}

/** The wait before the same request is made again, or undefined when it shall not be. */
export function waitBeforeRetry(failure: RingfenceError, backoff: number, random: Random): number | undefined {
  if (failure.retry === 'never') return undefined
  if (failure.retry === 'safe') return backoff
  if (failure.retry.afterMs > LONGEST_WAIT_MS) return undefined
  // Never earlier than asked for, and not all callers at one time.
  return Math.round(failure.retry.afterMs * (1 + fraction(random) / 10))
}

/** What the service says of waiting, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const exact = Number.parseFloat(headers.get('retry-after-ms') ?? '')
  if (Number.isFinite(exact)) return Math.max(0, exact)
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isFinite(ms) ? Math.max(0, Math.round(ms)) : undefined
}
