import type { Item, JournalStore, RuntimeContext } from '@ringfence/core'
import type { Emitter } from '../agent/emitter.ts'
import type { EventQueue } from './event-queue.ts'
import type { RunnerEvents } from './hooks.ts'
import type { Decision } from './interruption.ts'
import type { RunFold } from './run-fold.ts'
import type { RunnerOptions, RunOptions } from './run-options.ts'
import type { RunSetup } from './run-setup.ts'

/** How a run begins: with an input, or from what its journal holds. */
export type Beginning =
  | { readonly kind: 'new'; readonly input: readonly Item[] }
  | { readonly kind: 'resume'; readonly fold: RunFold | undefined; readonly decisions: readonly Decision[] }

/** What is to be driven, before its journal is open. */
export interface DriveRequest<Context> {
  readonly runId: string
  readonly store: JournalStore
  /** Whether the run can be taken up when this process is gone. */
  readonly isDurable: boolean
  readonly runner: RunnerOptions
  readonly options: RunOptions<Context>
  readonly context: Context
  readonly runtime: RuntimeContext
  readonly beginning: Beginning
  readonly events: EventQueue | undefined
  /** Who listens at the runner. */
  readonly listeners: Emitter<RunnerEvents>
  /** Called with what the journal says the run was started with, when it was. */
  setUp(journalled: { readonly cwd: string | null } | undefined): RunSetup<Context>
}
