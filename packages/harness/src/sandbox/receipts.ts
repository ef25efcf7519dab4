import type { Clock } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import { settlesWithin } from '../capabilities/wait.ts'
import type { Step, StepBody } from '../journal/step.ts'
import type { CallState, RunFold } from '../run/run-fold.ts'

/** Where a command began: its receipt counts there alone. */
export type Began = Omit<StepBody<'op.started'>, 'callId' | 'opId'>

/** The commands of one call, as the journal tells them. */
export interface CallCommands {
  /** Those that are known to have begun, when the call is made again. */
  readonly begun: ReadonlyMap<string, Began>
  /** Of the sandbox. */
  readonly generation: number
  /** A command has its receipt. `exit` settles when it has ended; left out, it has. */
  started(opId: string, began: Began, exit?: Promise<unknown>): void
  /** The receipts of a user have a place of their own. Resolves when it is durable where: `begin` runs a first command there. */
  place(user: string, begin: () => Promise<void>): Promise<void>
  /** The end of the call is staged. */
  over(): void
}

/** The receipts of a run's commands: written down when they are there, forgotten when nobody needs them. */
export interface Receipts {
  /** @param callKey the ids of the call's own commands begin with it. */
  ofCall(state: CallState, callKey: string): CallCommands
  /** Makes durable what was staged. What calls left behind that are over then is forgotten in the background. */
  flush(): Promise<void>
}

export interface ReceiptsOptions {
  readonly fold: RunFold
  readonly clock: Clock
  stage(step: Step): string
  flush(): Promise<void>
  /** The workspace, when it is open. */
  current(): Workspace | undefined
}

/** A command that ends sooner goes out with the end of its call, in one append. Milliseconds. */
const SOON_MS = 250
/** So many receipts go with one request. */
const BATCH = 16

export function receipts({ fold, clock, stage, flush, current }: ReceiptsOptions): Receipts {
  /** Of calls whose end is staged, and of those whose end is durable. */
  let due: string[] = []
  let free: string[] = []
  const places = new Map<string, Promise<void>>()

  /** One that goes on is durable before its end: a driver that comes after a crash then knows of it. */
  const flushUnlessSoon = async (exit: Promise<unknown>): Promise<void> => {
    if (!(await settlesWithin(exit, SOON_MS, clock))) await flush()
  }
  const forget = (opIds: readonly string[]): void => {
    // What is not forgotten now goes with the sandbox at the latest: nothing depends on it.
    current()
      ?.forget(opIds)
      .catch(() => undefined)
  }
  return {
    ofCall(state, callKey) {
      const ended = new Set<string>()
      return {
        begun: new Map(state.operations),
        get generation() {
          return fold.sandbox?.generation ?? 0
        },
        started(opId, began, exit) {
          if (!exit) ended.add(opId)
          exit?.then(
            () => ended.add(opId),
            // How it ended is not known, so that its receipt stays.
            () => undefined,
          )
          // A tool may start a command and not wait for it; and one that was joined is written down already.
          if (state.result || state.operations?.has(opId)) return
          stage({ type: 'op.started', parent: state.begun?.recordId, body: { callId: state.callId, opId, ...began } })
          // Whoever follows the command has its error, and a journal that fails ends the run at its next step.
          if (exit) flushUnlessSoon(exit).catch(() => undefined)
        },
        async place(user, begin) {
          const { generation = 0, state } = fold.sandbox ?? {}
          const key = `${generation} ${user}`
          const pending = places.get(key)
          if (pending) return pending
          if (state?.control.entries.some((entry) => entry.user === user)) return
          const placing = begin().then(flush)
          places.set(key, placing)
          // Whoever asks next tries again; who waits has the error.
          placing.catch(() => places.delete(key))
          return placing
        },
        over() {
          // An id that the tool chose itself may be meant for other calls, too.
          for (const opId of ended) if (opId === callKey || opId.startsWith(`${callKey}.`)) due.push(opId)
        },
      }
    },
    async flush() {
      const over = due
      due = []
      await flush()
      free.push(...over)
      if (free.length < BATCH) return
      forget(free)
      free = []
    },
  }
}
