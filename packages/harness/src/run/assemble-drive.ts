import type { SecretValues } from '@ringfence/workspace'
import { auditSinks, type RunAudit } from '../audit/run-audit.ts'
import { ingress } from '../ingress/ingress.ts'
import { type StepWriter, stepWriter } from '../journal/writer.ts'
import { receipts } from '../sandbox/receipts.ts'
import { type OpenWorkspace, sandboxSession } from '../sandbox/sandbox-session.ts'
import { runTrace } from '../tracing/run-trace.ts'
import { applyStep } from './apply-step.ts'
import type { Drive } from './drive.ts'
import type { DriveRequest } from './drive-request.ts'
import { runHooks } from './hooks.ts'
import { leasesOf } from './leases.ts'
import type { RunEvent } from './run-event.ts'
import type { RunFold } from './run-fold.ts'
import type { RunSetup } from './run-setup.ts'
import { eventsOf } from './step-events.ts'

export interface DriveParts<Context> {
  readonly drive: Drive<Context>
  readonly writer: StepWriter
}

export interface AssembleOptions<Context> {
  readonly request: DriveRequest<Context>
  readonly setup: RunSetup<Context>
  readonly fold: RunFold
  readonly secrets: SecretValues | undefined
  readonly audit: RunAudit
  readonly epoch: number
  readonly signal: AbortSignal
}

const DEFAULT_INSTALLATION = 'ringfence'

/** Loaded when a sandbox is first used: an answer in text alone needs none of it. */
const defaultOpenWorkspace: OpenWorkspace = async (options) => {
  const { openWorkspace } = await import('@ringfence/workspace')
  return openWorkspace(options)
}

/** Puts together what the steps of a run share. Nothing is done yet. */
export function assembleDrive<Context>({
  request,
  setup,
  fold,
  secrets,
  audit,
  epoch,
  signal,
}: AssembleOptions<Context>): DriveParts<Context> {
  const { runId, store, runner, options, context, runtime, events } = request
  // What a step means is known when it is staged, and told when it is durable: in the same order.
  const untold: (readonly RunEvent[])[] = []
  const writer = stepWriter({
    store,
    runId,
    epoch,
    runtime,
    length: fold.length,
    lastHash: fold.lastHash,
    onStaged(step, lastHash) {
      applyStep(fold, step)
      fold.length += 1
      fold.lastHash = lastHash
      if (events) untold.push(eventsOf(step, fold))
    },
    onDurable() {
      for (const event of untold.shift() ?? []) events?.push(event)
    },
  })
  const session = sandboxSession({
    fold,
    provider: runner.sandbox,
    given: options.workspace,
    manifest: setup.manifest,
    snapshots: runner.snapshots,
    from: options.from,
    hooks: runner.sandboxHooks,
    openWorkspace: runner.openWorkspace ?? defaultOpenWorkspace,
    installation: runner.installation ?? DEFAULT_INSTALLATION,
    audit,
    runtime,
    common: { policy: runner.policy, secrets, audit: auditSinks(runner.audit), signal, epoch, leaseMs: leasesOf(runner).sandboxLifetimeMs },
    stage: writer.stage,
    flush: writer.flush,
    onStarting: (generation) => events?.push({ type: 'sandbox', phase: 'starting', generation }),
  })
  const kept = receipts({ fold, clock: runtime.clock, stage: writer.stage, flush: writer.flush, current: () => session.current })
  const trace = runTrace(runner.tracer, runId, runtime.clock)
  const span = trace.span(`invoke_agent ${setup.first.name}`, runId, {
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': setup.first.name, 'gen_ai.conversation.id': runId },
  })
  const drive: Drive<Context> = {
    runtime,
    fold,
    epoch,
    maxTurns: setup.maxTurns,
    context,
    agents: setup.agents,
    signal,
    session,
    receipts: kept,
    ingress: ingress(secrets?.redactor, options.workspace),
    trace,
    span,
    audit,
    hooks: runHooks(request.listeners, { context, fold }),
    stage: writer.stage,
    flush: kept.flush,
    emit: (event) => events?.push(event),
    drained: async () => events?.drained(),
  }
  return { drive, writer }
}
