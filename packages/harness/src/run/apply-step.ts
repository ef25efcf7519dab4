import { addUsage, NO_USAGE, type ToolResultItem } from '@ringfence/core'
import { corrupt } from '../journal/check-record.ts'
import type { RecordedStep, StepBody } from '../journal/step.ts'
import { type CallState, openCalls, type RunFold, type SandboxFold } from './run-fold.ts'

function callOf(fold: RunFold, callId: string): CallState {
  return (
    fold.turn?.calls.find((call) => call.callId === callId) ?? corrupt(fold.runId, `it speaks of the call "${callId}", which is not open`)
  )
}

function endModel(fold: RunFold, { body, recordId }: Extract<RecordedStep, { type: 'model.end' }>): void {
  const turn = fold.turn?.turn === body.turn ? fold.turn : corrupt(fold.runId, `turn ${body.turn} ends without having begun`)
  const calls: CallState[] = []
  for (const item of body.response.items) {
    fold.history.push(item)
    if (item.type !== 'tool_call') continue
    fold.callIds.add(item.callId)
    calls.push({ callId: `${turn.turn}.${calls.length}`, item })
  }
  fold.usage = addUsage(addUsage(fold.usage, body.response.usage), { ...NO_USAGE, requests: turn.attempts - 1 })
  turn.endId = recordId
  turn.calls = calls
}

function startOperation(fold: RunFold, body: StepBody<'op.started'>): void {
  const call = callOf(fold, body.callId)
  call.operations ??= new Map()
  call.operations.set(body.opId, body)
  const state = fold.sandbox?.generation === body.generation ? fold.sandbox.state : undefined
  const { control } = body
  if (!fold.sandbox || !state || !control || state.control.entries.some(({ token }) => token === control.token)) return
  fold.sandbox.state = { ...state, control: { ...state.control, entries: [...state.control.entries, control] } }
}

/** Results go into the history in the order of the calls, when all are there. */
function endCall(fold: RunFold, { callId, output, isError }: StepBody<'tool.end'>): void {
  const ended = callOf(fold, callId)
  ended.result = { output, isError }
  ended.operations = undefined
  if (!fold.turn || openCalls(fold).length > 0) return
  for (const { item, result } of fold.turn.calls) {
    const ended: ToolResultItem = { type: 'tool_result', callId: item.callId, kind: item.kind, output: result?.output ?? '' }
    fold.history.push(ended)
  }
}

function decide(fold: RunFold, body: StepBody<'approval.decision'>): void {
  const call = callOf(fold, body.callId)
  call.asked = undefined
  if (!body.approved) call.rejected = { kind: body.kind, message: body.message }
  else if (body.kind === 'approval') call.isApproved = true
  else {
    call.mayRerun = true
    // A person knows what became of them, and wants them made again.
    call.operations = undefined
  }
}

function sandboxOf(fold: RunFold, generation: number): SandboxFold {
  return fold.sandbox?.generation === generation
    ? fold.sandbox
    : corrupt(fold.runId, `it speaks of the sandbox ${generation}, which is not there`)
}

function readySandbox(fold: RunFold, { generation, state, how }: StepBody<'sandbox.ready'>): void {
  if (how === 'given' && fold.sandbox?.generation !== generation)
    fold.sandbox = {
      generation,
      intentId: '',
      from: null,
      provider: state.sandbox.provider,
      installation: '',
      isReleased: false,
      isDestroyed: false,
      isTouched: true,
      isGiven: true,
    }
  const sandbox = sandboxOf(fold, generation)
  sandbox.state = state
  sandbox.isReleased = false
  sandbox.isTouched = true
}

/** Takes up one step. Throws `journal.corrupt` when it cannot follow what stands before. */
export function applyStep(fold: RunFold, step: RecordedStep): void {
  switch (step.type) {
    case 'run.start': {
      fold.first = step.body.agent
      fold.agent = step.body.agent
      fold.cwd = step.body.cwd
      fold.pins = step.body.pins
      fold.history.push(...step.body.input)
      fold.inputLength = fold.history.length
      return
    }
    case 'model.begin': {
      const { turn, attempt, agent } = step.body
      if (fold.turn?.turn === turn) fold.turn.attempts = attempt
      else fold.turn = { turn, agent, attempts: attempt, hasHandoff: false, calls: [] }
      return
    }
    case 'model.end':
      return endModel(fold, step)
    case 'tool.begin': {
      const call = callOf(fold, step.body.callId)
      call.begun = { recordId: step.recordId, attempt: step.body.attempt, generation: step.body.generation }
      call.mayRerun = false
      // One that is let go of is touched when it is attached to.
      if (fold.sandbox && !fold.sandbox.isReleased) fold.sandbox.isTouched = true
      return
    }
    case 'op.started':
      return startOperation(fold, step.body)
    case 'tool.end':
      return endCall(fold, step.body)
    case 'approval.request':
      callOf(fold, step.body.callId).asked = { ...step.body, recordId: step.recordId }
      return
    case 'approval.decision':
      return decide(fold, step.body)
    case 'handoff':
      fold.agent = step.body.to
      if (fold.turn) fold.turn.hasHandoff = true
      return
    case 'sandbox.intent':
      fold.sandbox = { ...step.body, isReleased: false, isDestroyed: false, isTouched: true, isGiven: false }
      return
    case 'sandbox.ready':
      return readySandbox(fold, step.body)
    case 'sandbox.release': {
      // An earlier one may be ended late, when nothing depends on it any more.
      if (fold.sandbox && step.body.generation < fold.sandbox.generation) return
      const sandbox = sandboxOf(fold, step.body.generation)
      sandbox.isReleased = true
      sandbox.isDestroyed = step.body.destroyed
      return
    }
    case 'snapshot':
      fold.snapshot = step.body
      sandboxOf(fold, step.body.generation).isTouched = false
      return
    case 'run.end':
      fold.isEnded = true
      return
    case 'run.takeover':
      return
  }
}
