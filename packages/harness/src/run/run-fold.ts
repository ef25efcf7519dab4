import { addUsage, FIRST_HASH, type Item, NO_USAGE, type ToolCallItem, type ToolOutput, type Usage } from '@ringfence/core'
import type { SnapshotRef, WorkspaceState } from '@ringfence/workspace'
import type { Pins, StepBody } from '../journal/step.ts'

export type InterruptionKind = StepBody<'approval.request'>['kind']

/** What became of one call of a tool. */
export interface CallState {
  /** Minted: turn and index. */
  readonly callId: string
  readonly item: ToolCallItem
  /** It began, and, without a result, did not end. */
  begun?: { readonly recordId: string; readonly attempt: number; readonly generation: number } | undefined
  /** Its commands that have begun, while it has no result. */
  operations?: Map<string, StepBody<'op.started'>> | undefined
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
  readonly provider: string
  readonly installation: string
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
