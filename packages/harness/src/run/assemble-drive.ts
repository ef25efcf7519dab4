import type { Redactor } from '@ringfence/workspace'
import type { RunAudit } from '../audit/run-audit.ts'
import { ingress } from '../ingress/ingress.ts'
import { type StepWriter, stepWriter } from '../journal/writer.ts'
import { type OpenWorkspace, sandboxSession } from '../sandbox/sandbox-session.ts'
import { runTrace } from '../tracing/run-trace.ts'
import type { Drive } from './drive.ts'
import type { DriveRequest } from './drive-request.ts'
import type { RunEvent } from './run-event.ts'
import { applyStep, type RunFold } from './run-fold.ts'
import { auditSinks, type RunSetup } from './run-setup.ts'
import { eventsOf } from './step-events.ts'

export interface DriveParts<Context> {
  readonly drive: Drive<Context>
  readonly writer: StepWriter
}

export interface AssembleOptions<Context> {
  readonly request: DriveRequest<Context>
  readonly setup: RunSetup<Context>
  readonly fold: RunFold
  readonly known: Redactor | undefined
  readonly audit: RunAudit
  readonly epoch: number
  readonly signal: AbortSignal
}

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
  known,
  audit,
  epoch,
  signal,
}: AssembleOptions<Context>): DriveParts<Context> {
  const { runId, store, runner, options, runtime, events } = request
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
    common: { policy: runner.policy, audit: auditSinks(runner), runtime, signal, epoch, installation: runner.installation },
    stage: writer.stage,
    flush: writer.flush,
    onStarting: (generation) => events?.push({ type: 'sandbox', phase: 'starting', generation }),
  })
  const trace = runTrace(runner.tracer, runId, runtime.clock)
  const span = trace.span(`invoke_agent ${setup.first.name}`, runId, {
    attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': setup.first.name, 'gen_ai.conversation.id': runId },
  })
  const drive: Drive<Context> = {
    runtime,
    fold,
    epoch,
    maxTurns: setup.maxTurns,
    context: request.context,
    agents: setup.agents,
    signal,
    session,
    ingress: ingress(known, options.workspace),
    trace,
    span,
    audit,
    stage: writer.stage,
    flush: writer.flush,
    emit: (event) => events?.push(event),
    drained: async () => events?.drained(),
  }
  return { drive, writer }
}
