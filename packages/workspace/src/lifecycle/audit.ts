import {
  type AuditAction,
  type AuditEvent,
  type AuditSink,
  type Clock,
  isRingfenceError,
  type JsonObject,
  RingfenceError,
} from '@ringfence/core'

/** Writes one event to every sink. Throws `audit.failed` when a required one fails. */
export type Audit = (action: AuditAction, outcome: AuditEvent['outcome'], body: JsonObject) => Promise<void>

export function auditTo(sinks: readonly AuditSink[], runId: string, clock: Clock): Audit {
  return async (action, outcome, body) => {
    if (sinks.length === 0) return
    const event: AuditEvent = { action, runId, at: clock.now(), outcome, body }
    const results = await Promise.allSettled(sinks.map((sink) => sink.write(event)))
    for (const [index, result] of results.entries()) {
      // A sink that is not required may fail: the action is more important than its record.
      if (result.status === 'fulfilled' || !sinks[index]?.required) continue
      if (isRingfenceError(result.reason, 'audit.failed')) throw result.reason
      throw new RingfenceError('audit.failed', `A required audit sink could not record "${action}"`, {
        hint: 'The action was not done. Mend the sink.',
        effect: 'none',
        cause: result.reason,
      })
    }
  }
}
