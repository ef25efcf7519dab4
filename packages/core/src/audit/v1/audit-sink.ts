import type { JsonObject } from '../../json/json.ts'

export type AuditAction = 'policy' | 'secret.resolve' | 'sandbox.create' | 'sandbox.destroy' | 'command' | 'approval' | 'export' | 'port'

export interface AuditEvent {
  readonly action: AuditAction
  readonly runId: string
  /** Wall time in milliseconds. */
  readonly at: number
  readonly outcome: 'allowed' | 'denied' | 'done' | 'failed'
  readonly body: JsonObject
}

/** Where the record of security-relevant actions goes. */
export interface AuditSink {
  /** A required sink that fails stops the action with `audit.failed`; one that is not is told and forgotten. */
  readonly required: boolean
  write(event: AuditEvent): Promise<void>
}
