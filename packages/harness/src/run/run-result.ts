import type { Item, Usage } from '@ringfence/core'
import type { SnapshotRef } from '@ringfence/workspace'
import type { Agent } from '../agent/agent.ts'
import type { Interruption } from './interruption.ts'
import type { RunEvent } from './run-event.ts'
import type { RunState } from './run-state.ts'

/** How a run ended, or where it waits. */
export interface RunResult<Context = unknown, Output = string> {
  /** `paused`: decide on `interruptions` with `state`, and run that. */
  readonly status: 'completed' | 'paused'
  readonly runId: string
  /** The last answer, in the form of the agent's `outputType`; text of another agent after a handoff; `undefined` while paused. */
  readonly finalOutput: Output | undefined
  /** The calls that wait for a person. */
  readonly interruptions: readonly Interruption[]
  /** Of the whole run, with requests that failed. */
  readonly usage: Usage
  /** The workspace as it was left, when the run had a sandbox of its own and a snapshot store. */
  readonly snapshot: SnapshotRef | undefined
  /** What the run added to its input. */
  readonly newItems: readonly Item[]
  /** The input and what was added. */
  readonly history: readonly Item[]
  readonly lastAgent: Agent<Context, unknown>
  /** Goes on: give it to `run`. */
  readonly state: RunState
  /** The sandbox could not be ended, and will end by itself: what was thrown. The result holds all the same. */
  readonly cleanupError: unknown
  /** The history as the input of another run. */
  toInputList(): Item[]
}

/** A run that is under way. Its events can be read once; without a reader they are kept. */
export interface StreamedRun<Context = unknown, Output = string> extends AsyncIterable<RunEvent> {
  readonly runId: string
  /** The result. Rejects with what ended the run, which reading the events throws as well. */
  readonly completed: Promise<RunResult<Context, Output>>
  /** The text of the answers alone, as it comes. Reads the events. */
  toTextStream(): AsyncIterable<string>
}
