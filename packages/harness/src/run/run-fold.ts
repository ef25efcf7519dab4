import {
  addUsage,
  FIRST_HASH,
  type Item,
  NO_USAGE,
  type ToolCallItem,
  type ToolOutput,
  type ToolResultItem,
  type Usage,
} from '@ringfence/core'
import type { SnapshotRef, WorkspaceState } from '@ringfence/workspace'
import { corrupt } from '../journal/check-record.ts'
import type { Pins, RecordedStep, StepBody } from '../journal/step.ts'

export type InterruptionKind = StepBody<'approval.request'>['kind']

/** What became of one call of a tool. */
export interface CallState {
  /** Minted: turn and index. */
  readonly callId: string
  readonly item: ToolCallItem
  /** It began, and, without a result, did not end. */
  begun?: { readonly recordId: string; readonly attempt: number; readonly generation: number } | undefined
  result?: { readonly output: ToolOutput; readonly isError: boolean } | undefined
  /** Asked, and not decided. */
  asked?: { readonly recordId: string; readonly kind: InterruptionKind; readonly argumentsDigest: string } | undefined
  isApproved?: boolean | undefined
  mayRerun?: boolean | undefined
  rejected?: { readonly kind: InterruptionKind; readonly message: string | undefined } | undefined
}

export interface TurnState {
  readonly turn: number
  /** Who was asked; calls of the answer are of its tools, also after a handoff. */
  readonly agent: string
  /** Attempts of the model call so far. */
  attempts: number
  /** The record of the answer. */
  endId?: string | undefined
  hasHandoff: boolean
  calls: readonly CallState[]
}

export interface SandboxFold {
  readonly generation: number
  readonly intentId: string
  readonly from: SnapshotRef | null
  state?: WorkspaceState | undefined
  isReleased: boolean
  isDestroyed: boolean
  /** Something may have changed inside since the last snapshot. */
  isTouched: boolean
  /** The app brought it, and ends it. */
  isGiven: boolean
}

/** What the records of a run add up to. It grows in place: a record costs that record. */
export interface RunFold {
  readonly runId: string
  length: number
  lastHash: string
  epoch: number
  /** The agent that the run began with. */
  first: string
  /** The agent whose turn is next. */
  agent: string
  cwd: string | null
  pins: Pins | undefined
  readonly history: Item[]
  /** The model's own ids of the calls so far: one that it uses again is renamed. */
  readonly callIds: Set<string>
  inputLength: number
  usage: Usage
  turn: TurnState | undefined
  sandbox: SandboxFold | undefined
  snapshot: { readonly generation: number; readonly ref: SnapshotRef } | undefined
  isEnded: boolean
}

export function emptyFold(runId: string): RunFold {
  return {
    runId,
    length: 0,
    lastHash: FIRST_HASH,
    epoch: 0,
    first: '',
    agent: '',
    cwd: null,
    pins: undefined,
    history: [],
    callIds: new Set(),
    inputLength: 0,
    usage: NO_USAGE,
    turn: undefined,
    sandbox: undefined,
    snapshot: undefined,
    isEnded: false,
  }
}

/** Turns that were answered. */
export function answeredTurns({ turn }: RunFold): number {
  if (!turn) return 0
  return turn.endId === undefined ? turn.turn - 1 : turn.turn
}

/** The usage, with the requests that began and did not end. */
export function usageOf({ usage, turn }: RunFold): Usage {
  return turn && turn.endId === undefined ? addUsage(usage, { ...NO_USAGE, requests: turn.attempts }) : usage
}

/** The calls of the last answer that have no result yet. */
export function openCalls({ turn }: RunFold): readonly CallState[] {
  return turn?.calls.filter((call) => call.result === undefined) ?? []
}

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

/** Results go into the history in the order of the calls, when all are there. */
function endCall(fold: RunFold, { callId, output, isError }: StepBody<'tool.end'>): void {
  callOf(fold, callId).result = { output, isError }
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
  else call.mayRerun = true
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
