import { type AuditAction, type AuditEvent, type AuditSink, type Clock, type JsonObject, RingfenceError } from '@ringfence/core'

/** Records what matters to security. Rejects with `audit.failed` when a required sink fails. */
export type RunAudit = (action: AuditAction, outcome: AuditEvent['outcome'], body: JsonObject) => Promise<void>

export function runAudit(sinks: readonly AuditSink[], runId: string, clock: Clock): RunAudit {
  return async (action, outcome, body) => {
    const event: AuditEvent = { action, runId, at: clock.now(), outcome, body }
    const results = await Promise.allSettled(sinks.map(async (sink) => sink.write(event)))
    for (const [index, result] of results.entries()) {
      // A sink that is not required is told and forgotten.
      if (result.status === 'fulfilled' || !sinks[index]?.required) continue
      throw new RingfenceError('audit.failed', `A required audit sink could not record "${action}"`, {
        operation: action,
        hint: 'The action was not done. Mend the sink, or make it optional by name.',
        effect: 'none',
        cause: result.reason,
      })
    }
  }
}

/** The sinks of an option that takes one or several. */
export function auditSinks(audit: AuditSink | readonly AuditSink[] | undefined): readonly AuditSink[] {
  if (audit === undefined) return []
  return 'write' in audit ? [audit] : audit
}
