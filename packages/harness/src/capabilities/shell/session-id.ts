import type { ToolCall } from '@ringfence/core'

/** Session ids begin here. */
export const FIRST_SESSION_ID = 1000

/**
 * The session id of the command that a call started. It is computed from the call id `turn.index` alone, by the pairing
 * function of Cantor, and can be computed back: after a restart no table is needed to find the command again.
 * Undefined for a call id of another form.
 */
export function sessionIdOf(callId: string): number | undefined {
  const match = /^(0|[1-9]\d{0,6})\.(0|[1-9]\d{0,6})$/.exec(callId)
  if (!match) return undefined
  const [turn, index] = [Number(match[1]), Number(match[2])]
  return FIRST_SESSION_ID + ((turn + index) * (turn + index + 1)) / 2 + index
}

/** The id of the call that has a session id: the inverse of {@link sessionIdOf}. */
export function callIdOf(sessionId: number): string | undefined {
  const pair = sessionId - FIRST_SESSION_ID
  if (!Number.isSafeInteger(pair) || pair < 0) return undefined
  const sum = Math.floor((Math.sqrt(8 * pair + 1) - 1) / 2)
  const index = pair - (sum * (sum + 1)) / 2
  const callId = `${sum - index}.${index}`
  return sessionIdOf(callId) === sessionId ? callId : undefined
}

/**
 * The operation of the command that has a session id, in the run of a call: the key of that call with the other call id
 * in the place of its own. Undefined when no call has this session id, or the key does not hold its call id.
 */
export function opIdOf(sessionId: number, call: Pick<ToolCall, 'callId' | 'idempotencyKey'>): string | undefined {
  const { callId, idempotencyKey: key } = call
  const other = callIdOf(sessionId)
  const at = key.lastIndexOf(callId)
  if (other === undefined || callId === '' || at === -1) return undefined
  const [before, after] = [key.slice(0, at), key.slice(at + callId.length)]
  return /[0-9A-Za-z]$/.test(before) || /^[0-9A-Za-z]/.test(after) ? undefined : `${before}${other}${after}`
}
