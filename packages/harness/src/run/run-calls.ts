import { isRingfenceError, type ToolCall, type WorkspaceHandle } from '@ringfence/core'
import type { BoundAgent } from '../agent/bind-agent.ts'
import { callHandle } from '../sandbox/call-handle.ts'
import type { CallCommands } from '../sandbox/receipts.ts'
import { type CallOutcome, invokeTool } from '../tool/invoke-tool.ts'
import type { RunSpan } from '../tracing/run-trace.ts'
import { type Drive, enabledTools } from './drive.ts'
import { linkSignal } from './link-signal.ts'
import { argumentsDigest, type CallPlan, planCall } from './plan-call.ts'
import { type CallState, openCalls } from './run-fold.ts'

interface Planned<Context> {
  readonly state: CallState
  readonly plan: CallPlan<Context>
}

interface Running<Context> extends Planned<Context> {
  readonly plan: Extract<CallPlan<Context>, { kind: 'run' }>
}

/** Errors of the sandbox itself, and of the journal: no result of a tool can mend them. */
function isFatal<Context>(error: unknown, { session }: Drive<Context>): boolean {
  if (session.failure !== undefined && error === session.failure) return true
  return (['sandbox.gone', 'sandbox.closed', 'run.fenced', 'audit.failed', 'journal.failed'] as const).some((code) =>
    isRingfenceError(error, code),
  )
}

function toolCall<Context>(
  { callId }: CallState,
  commands: CallCommands,
  bound: BoundAgent<Context>,
  drive: Drive<Context>,
  signal: AbortSignal,
): ToolCall<Context> {
  const { fold, epoch, context, session } = drive
  const idempotencyKey = `${fold.runId}.${callId}`
  let handle: Promise<WorkspaceHandle> | undefined
  return {
    runId: fold.runId,
    callId,
    idempotencyKey,
    epoch,
    signal,
    context,
    workspace() {
      const { cwd = '', runAs } = bound.sandbox ?? {}
      handle ??= session.open().then((workspace) => callHandle(workspace, { callKey: idempotencyKey, cwd, runAs, signal, commands }))
      // A tool may ask and not wait.
      handle.catch(() => undefined)
      return handle
    },
  }
}

async function runCall<Context>(
  { state, plan }: Running<Context>,
  bound: BoundAgent<Context>,
  drive: Drive<Context>,
  signal: AbortSignal,
  turnSpan: RunSpan,
): Promise<void> {
  const { tool, args } = plan.reading
  const { fold, trace, ingress } = drive
  const span = trace.span(`execute_tool ${tool.name}`, `${fold.runId}.${state.callId}`, {
    parent: turnSpan,
    attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': tool.name, 'gen_ai.tool.call.id': state.item.callId },
  })
  const commands = drive.receipts.ofCall(state, `${fold.runId}.${state.callId}`)
  let outcome: CallOutcome
  try {
    outcome = await invokeTool({
      tool,
      args,
      call: (own) => toolCall(state, commands, bound, drive, own),
      signal,
      clock: drive.runtime.clock,
      isFatal: (error) => isFatal(error, drive),
    })
  } catch (error) {
    span.end({ message: ingress.text(error instanceof Error ? error.message : String(error)) })
    throw error
  }
  const output = ingress.output(outcome.output)
  span.end(outcome.isError ? { message: typeof output === 'string' ? output : 'failed' } : undefined)
  drive.stage({ type: 'tool.end', parent: state.begun?.recordId, body: { callId: state.callId, output, isError: outcome.isError } })
  commands.over()
  // The last result goes out with the next question, in one append; the others must not wait for it.
  if (openCalls(fold).length > 0) await drive.flush()
  await drive.hooks.toolEnd(bound.agent, tool, output, state.item)
}

/** Runs calls at once. When one ends the run, the others are aborted and waited for. */
async function runAll<Context>(
  running: readonly Running<Context>[],
  bound: BoundAgent<Context>,
  drive: Drive<Context>,
  turnSpan: RunSpan,
): Promise<void> {
  const linked = linkSignal(drive.signal)
  let failure: { readonly error: unknown } | undefined
  const guarded = running.map(async (one) => {
    try {
      await runCall(one, bound, drive, linked.signal, turnSpan)
    } catch (error) {
      failure ??= { error }
      linked.abort(error)
    }
  })
  try {
    await Promise.all(guarded)
  } finally {
    linked.unlink()
  }
  if (failure) throw failure.error
}

function stageHandoff<Context>({ callId }: CallState, to: string, { fold, stage }: Drive<Context>): void {
  const parent = fold.turn?.endId
  const isFirst = fold.turn?.hasHandoff === false
  if (isFirst) stage({ type: 'handoff', parent, body: { callId, from: fold.agent, to } })
  const output = isFirst
    ? `You are "${to}" now, and go on with the conversation.`
    : 'Another handoff of the same answer went before; this one was not made.'
  stage({ type: 'tool.end', parent, body: { callId, output, isError: !isFirst } })
}

/** Tells what is about to be done, before any of it counts as begun: what a listener throws leaves no outcome that is not known. */
async function tellPlans<Context>(planned: readonly Planned<Context>[], bound: BoundAgent<Context>, drive: Drive<Context>): Promise<void> {
  let isOver = drive.fold.turn?.hasHandoff
  for (const { state, plan } of planned) {
    if (plan.kind === 'run') await drive.hooks.toolStart(bound.agent, plan.reading.tool, state.item)
    if (plan.kind !== 'handoff' || isOver) continue
    isOver = true
    await drive.hooks.handoff(bound.agent, plan.reading.handoff.agent)
  }
}

/**
 * Brings the open calls of the last answer further: all that can run does so at once, what needs a person is asked
 * for. What was begun is durable before anything is done.
 */
export async function runCalls<Context>(bound: BoundAgent<Context>, drive: Drive<Context>, turnSpan: RunSpan): Promise<void> {
  const { fold, stage } = drive
  const tools = await enabledTools(bound, drive.context)
  const open = openCalls(fold)
  const plans = await Promise.all(open.map(async (state) => ({ state, plan: await planCall(state, tools, drive) })))
  await tellPlans(plans, bound, drive)
  const parent = fold.turn?.endId
  const running: Running<Context>[] = []
  for (const { state, plan } of plans) {
    const { callId, item } = state
    if (plan.kind === 'wait') continue
    if (plan.kind === 'answer') stage({ type: 'tool.end', parent, body: { callId, output: drive.ingress.text(plan.text), isError: true } })
    else if (plan.kind === 'ask')
      stage({
        type: 'approval.request',
        parent,
        body: { callId, name: item.name, kind: plan.interruption, argumentsDigest: argumentsDigest(state) },
      })
    else if (plan.kind === 'handoff') stageHandoff(state, plan.reading.handoff.agent.name, drive)
    else {
      const attempt = (state.begun?.attempt ?? 0) + 1
      const generation = fold.sandbox?.generation ?? 0
      stage({ type: 'tool.begin', parent, body: { callId, name: item.name, attempt, argumentsDigest: argumentsDigest(state), generation } })
      running.push({ state, plan })
    }
  }
  if (running.length === 0) return
  await drive.flush()
  await runAll(running, bound, drive, turnSpan)
}
