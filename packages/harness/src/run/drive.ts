import type { RuntimeContext } from '@ringfence/core'
import type { BoundAgent, BoundTool } from '../agent/bind-agent.ts'
import type { RunAudit } from '../audit/run-audit.ts'
import type { Ingress } from '../ingress/ingress.ts'
import type { Step } from '../journal/step.ts'
import type { Receipts } from '../sandbox/receipts.ts'
import type { SandboxSession } from '../sandbox/sandbox-session.ts'
import type { RunSpan, RunTrace } from '../tracing/run-trace.ts'
import type { Hooks } from './hooks.ts'
import type { RunEvent } from './run-event.ts'
import type { RunFold } from './run-fold.ts'

/** All that the steps of one run share while a process drives it. */
export interface Drive<Context> {
  readonly runtime: RuntimeContext
  readonly fold: RunFold
  readonly epoch: number
  readonly maxTurns: number
  readonly context: Context
  readonly agents: ReadonlyMap<string, BoundAgent<Context>>
  /** Aborted by the app, or when another process takes the run over. */
  readonly signal: AbortSignal
  readonly session: SandboxSession
  readonly receipts: Receipts
  readonly ingress: Ingress
  readonly trace: RunTrace
  readonly span: RunSpan
  readonly audit: RunAudit
  readonly hooks: Hooks<Context>
  stage(step: Step): string
  flush(): Promise<void>
  emit(event: RunEvent): void
  /** Resolves when the reader of the events has caught up. */
  drained(): Promise<void>
}

/** The tools of an agent that are enabled now, by name. */
export async function enabledTools<Context>(
  { tools }: BoundAgent<Context>,
  context: Context,
): Promise<ReadonlyMap<string, BoundTool<Context>>> {
  const isDynamic = (bound: BoundTool<Context>): boolean => bound.kind === 'tool' && (bound.tool.isEnabled ?? true) !== true
  if (![...tools.values()].some(isDynamic)) return tools
  const enabled = new Map<string, BoundTool<Context>>()
  for (const [name, bound] of tools) {
    const isEnabled = bound.kind === 'tool' ? (bound.tool.isEnabled ?? true) : true
    if (typeof isEnabled === 'function' ? await isEnabled({ context }) : isEnabled) enabled.set(name, bound)
  }
  return enabled
}
