import { type Item, RingfenceError, randomId, systemRuntime } from '@ringfence/core'
import type { Agent } from '../agent/agent.ts'
import { Emitter } from '../agent/emitter.ts'
import { checkRunId } from '../journal/journal-errors.ts'
import { memoryJournal } from '../journal/memory-journal.ts'
import { sweepInBackground } from '../sweep/background-sweep.ts'
import type { DriveRequest } from './drive-request.ts'
import { driveRun } from './drive-run.ts'
import { type EventQueue, eventQueue } from './event-queue.ts'
import type { FinishedRun } from './finish-run.ts'
import type { RunnerEvents } from './hooks.ts'
import { interruptionsOf } from './interruption.ts'
import { leasesOf } from './leases.ts'
import { usageOf } from './run-fold.ts'
import type { RunnerOptions, RunOptions, StreamOptions } from './run-options.ts'
import type { RunResult, StreamedRun } from './run-result.ts'
import { inputItems, setUpRun } from './run-setup.ts'
import { loadFold, RunState, takeState } from './run-state.ts'

/** What a run begins with: words, a conversation, or a run to go on with. */
export type RunInput = string | readonly Item[] | RunState

/** Runs agents: where their sandboxes, models and journals come from, said once. */
export class Runner extends Emitter<RunnerEvents> {
  readonly #options: RunnerOptions

  constructor(options: RunnerOptions = {}) {
    super()
    this.#options = options
  }

  /**
   * Runs an agent to its final output, or until a call needs a person.
   *
   * @throws `config.invalid` and what else is refused before anything is done; `run.max-turns`, `run.busy`,
   *   `run.fenced`, `run.changed`, `model.*`, `tool.failed`, `sandbox.*`, `journal.*`, `audit.failed`; the reason of the
   *   signal. A run with a journal can be loaded and goes on after any of them.
   */
  run<Context, Output>(
    agent: Agent<Context, Output>,
    input: RunInput,
    options: StreamOptions<Context>,
  ): Promise<StreamedRun<Context, Output>>
  run<Context, Output>(agent: Agent<Context, Output>, input: RunInput, options?: RunOptions<Context>): Promise<RunResult<Context, Output>>
  async run<Context, Output>(
    agent: Agent<Context, Output>,
    input: RunInput,
    options: RunOptions<Context> & { readonly stream?: boolean } = {},
  ): Promise<RunResult<Context, Output> | StreamedRun<Context, Output>> {
    const events = options.stream ? eventQueue() : undefined
    const request = this.#request(agent, input, options, events)
    sweepInBackground(this.#options, request.runtime)
    const drive = async (): Promise<RunResult<Context, Output>> => resultOf<Context, Output>(request, await driveRun(request), agent)
    return events ? streamed(request.runId, events, drive()) : drive()
  }

  /**
   * A run as the journal tells it, to look at, to decide on its interruptions, and to go on with.
   *
   * @throws `run.not-found`, `run.changed` when another agent is given than the run began with, `journal.*`,
   *   `config.invalid` without a journal.
   */
  async load<Context, Output>(agent: Agent<Context, Output>, runId: string): Promise<RunState> {
    const { journal } = this.#options
    if (!journal)
      throw new RingfenceError('config.invalid', `The run "${runId}" cannot be loaded: the runner has no journal`, {
        hint: 'Give the runner the `journal` that the run was written to.',
        effect: 'none',
      })
    checkRunId(runId)
    const fold = await loadFold(journal, runId)
    if (fold.first !== agent.name)
      throw new RingfenceError('run.changed', `The run "${runId}" began with the agent "${fold.first}", and "${agent.name}" is given`, {
        hint: 'Load it with the agent that it began with.',
        effect: 'none',
      })
    return new RunState(journal, fold)
  }

  #request<Context, Output>(
    agent: Agent<Context, Output>,
    input: RunInput,
    options: RunOptions<Context>,
    events: EventQueue | undefined,
  ): DriveRequest<Context> {
    const runner = this.#options
    const runtime = runner.runtime ?? systemRuntime
    // What is wrong with them is told before a journal is touched.
    leasesOf(runner)
    // Without a `context` its type is `unknown` or allows `undefined`; a stricter one makes the option needed there.
    const context = options.context as Context
    const common = { isDurable: runner.journal !== undefined, runner, options, context, runtime, events, listeners: this }
    if (input instanceof RunState) {
      const { journal, decisions, fold } = takeState(input)
      const setUp: DriveRequest<Context>['setUp'] = (journalled) => setUpRun<Context>(agent, runner, options, journalled)
      // Whoever holds the state can take the run up, whatever its journal is.
      return { ...common, isDurable: true, runId: input.runId, store: journal, setUp, beginning: { kind: 'resume', fold, decisions } }
    }
    const runId = options.runId ?? randomId(runtime.random, 'run')
    checkRunId(runId)
    // What is wrong with the definitions is told before a journal is touched.
    const setup = setUpRun<Context>(agent, runner, options, undefined)
    const store = runner.journal ?? memoryJournal({ runtime })
    return { ...common, runId, store, setUp: () => setup, beginning: { kind: 'new', input: inputItems(input) } }
  }
}

function resultOf<Context, Output>(
  request: DriveRequest<Context>,
  { status, fold, lastAgent, output, snapshot, cleanupError }: FinishedRun<Context>,
  first: Agent<Context, Output>,
): RunResult<Context, Output> {
  return {
    status,
    runId: fold.runId,
    // It was checked against the `outputType` of the last agent; without one it is text, as is `Output` then.
    finalOutput: output as Output | undefined,
    interruptions: interruptionsOf(fold),
    usage: usageOf(fold),
    snapshot,
    newItems: fold.history.slice(fold.inputLength),
    history: [...fold.history],
    lastAgent: lastAgent ?? first,
    state: new RunState(request.store, fold),
    cleanupError,
    toInputList: () => [...fold.history],
  }
}

function streamed<Context, Output>(
  runId: string,
  events: EventQueue,
  running: Promise<RunResult<Context, Output>>,
): StreamedRun<Context, Output> {
  const completed = running.then(
    (result) => {
      events.end()
      return result
    },
    (cause: unknown) => {
      events.end({ cause })
      throw cause
    },
  )
  // Whoever reads the events alone gets the error there.
  completed.catch(() => undefined)
  return {
    runId,
    completed,
    [Symbol.asyncIterator]: () => events.events[Symbol.asyncIterator](),
    async *toTextStream() {
      for await (const event of events.events) if (event.type === 'text-delta') yield event.delta
    },
  }
}

/**
 * Runs an agent once, with a runner of its own.
 *
 * @throws as {@link Runner.run}.
 */
export function run<Context, Output>(
  agent: Agent<Context, Output>,
  input: RunInput,
  options: StreamOptions<Context> & RunnerOptions,
): Promise<StreamedRun<Context, Output>>
export function run<Context, Output>(
  agent: Agent<Context, Output>,
  input: RunInput,
  options?: RunOptions<Context> & RunnerOptions,
): Promise<RunResult<Context, Output>>
export function run<Context, Output>(
  agent: Agent<Context, Output>,
  input: RunInput,
  options: RunOptions<Context> & RunnerOptions & { readonly stream?: boolean } = {},
): Promise<RunResult<Context, Output> | StreamedRun<Context, Output>> {
  const runner = new Runner(options)
  const { stream, ...rest } = options
  return stream ? runner.run(agent, input, { ...rest, stream: true }) : runner.run(agent, input, rest)
}
