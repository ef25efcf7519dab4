import { type Item, type JournalStore, RingfenceError, type Usage } from '@ringfence/core'
import { readSteps } from '../journal/reader.ts'
import { applyStep } from './apply-step.ts'
import { type Decision, type Interruption, interruptionsOf, openInterruption } from './interruption.ts'
import { emptyFold, type RunFold, usageOf } from './run-fold.ts'

/** Brings a fold up to what the journal holds. */
export async function catchUp(store: JournalStore, fold: RunFold): Promise<RunFold> {
  for await (const { step, epoch, lastHash } of readSteps(store, fold.runId, fold)) {
    applyStep(fold, step)
    fold.length += 1
    fold.epoch = epoch
    fold.lastHash = lastHash
  }
  return fold
}

/** What the runner needs of a state that it drives. */
export interface TakenState {
  readonly journal: JournalStore
  readonly decisions: readonly Decision[]
  /** The fold, or `undefined` when it was taken before: the journal is read anew then. */
  readonly fold: RunFold | undefined
}

let takeOf: (state: RunState) => TakenState

/** A run as its journal tells it. Decide on its `interruptions` and give it to `run` to go on. */
export class RunState {
  readonly runId: string
  readonly #journal: JournalStore
  readonly #decisions = new Map<string, Decision>()
  readonly #interruptions: readonly Interruption[]
  readonly #fold: RunFold
  #isTaken = false

  constructor(journal: JournalStore, fold: RunFold) {
    this.runId = fold.runId
    this.#journal = journal
    this.#fold = fold
    this.#interruptions = interruptionsOf(fold)
  }

  static {
    takeOf = (state) => {
      const fold = state.#isTaken ? undefined : state.#fold
      state.#isTaken = true
      return { journal: state.#journal, decisions: [...state.#decisions.values()], fold }
    }
  }

  /** The calls that wait for a person, in the order of the calls; without those that were decided on here. */
  get interruptions(): readonly Interruption[] {
    return this.#interruptions.filter(({ callId }) => !this.#decisions.has(callId))
  }

  /** `completed`: to run it gives the result again. `paused`: it waits for decisions. `open`: it was cut and goes on. */
  get status(): 'completed' | 'paused' | 'open' {
    if (this.#fold.isEnded) return 'completed'
    return this.interruptions.length > 0 ? 'paused' : 'open'
  }

  get usage(): Usage {
    return usageOf(this.#fold)
  }

  /** The conversation so far. */
  get history(): readonly Item[] {
    return [...this.#fold.history]
  }

  /** Lets a call run. Journalled when the run goes on. Throws `config.invalid` when it does not wait for that. */
  approve(interruption: Interruption): void {
    this.#decide(interruption, true, undefined)
  }

  /**
   * Does not let a call run; the model is told, with the message where there is one. Journalled when the run goes on.
   * Throws `config.invalid` when it does not wait for that.
   */
  reject(interruption: Interruption, { message }: { readonly message?: string | undefined } = {}): void {
    this.#decide(interruption, false, message)
  }

  #decide(given: Interruption, approved: boolean, message: string | undefined): void {
    if (this.#isTaken)
      throw new RingfenceError('config.invalid', `The state of the run "${this.runId}" was given to \`run\` already`, {
        hint: 'Load the run again, or use the state of its result.',
        effect: 'none',
      })
    const interruption = openInterruption(this.#fold, given)
    this.#decisions.set(interruption.callId, { interruption, approved, message })
  }
}

/** Hands a state over to the runner. */
export function takeState(state: RunState): TakenState {
  return takeOf(state)
}

/** Reads a run. Throws `run.not-found`, `journal.corrupt`, `journal.unsupported`. */
export async function loadFold(store: JournalStore, runId: string): Promise<RunFold> {
  const fold = await catchUp(store, emptyFold(runId))
  if (fold.pins) return fold
  throw new RingfenceError('run.not-found', `The run "${runId}" never started`, {
    hint: 'Check the id; a run that did not get as far as its first record is run anew.',
    effect: 'none',
  })
}
