import { inspectContainer, isRunning } from './container.ts'
import { ask, type Engine, outcome } from './engine.ts'
import { errors } from './errors.ts'

/**
 * Keeps the start of a process and a stop of the whole container apart: an engine that freezes a process which has not become
 * its program yet waits for it for ever, and can then not even remove the container.
 */
export interface Gate {
  /** Makes one attempt to start a process. */
  start<T>(attempt: () => Promise<T>): Promise<T>
  /** Does something while no process starts. */
  quietly<T>(operation: string, work: () => Promise<T>): Promise<T>
}

const PAUSE_MS = 20
/** How long the start of a process is waited for that somebody prepared, in milliseconds. */
const PREPARED_MS = 2000
/** How long a process may take to become its program, in milliseconds. */
const START_MS = 60_000

export function openGate(engine: Engine, id: string): Gate {
  const starting = new Set<Promise<unknown>>()
  let quiet: Promise<unknown> = Promise.resolve()
  return {
    async start(attempt) {
      await quiet
      const one = attempt()
      starting.add(one)
      try {
        return await one
      } finally {
        starting.delete(one)
      }
    },
    quietly(operation, work) {
      const turn = quiet.then(async () => {
        await Promise.allSettled(starting)
        await allStarted(engine, id, operation)
        return work()
      })
      // Who asked hears of a failure.
      quiet = turn.catch(() => undefined)
      return turn
    },
  }
}

/** Waits until every process of a container has become its program: an engine hands over the connection before that. */
async function allStarted(engine: Engine, id: string, operation: string): Promise<void> {
  const { clock } = engine.context
  const begun = clock.monotonic()
  for (;;) {
    const inspected = await inspectContainer(engine, id, operation)
    if (!inspected || !isRunning(inspected)) throw errors.gone(operation, id)
    const found = await Promise.all(
      (inspected.ExecIDs ?? []).map((one) => ask(engine, { operation }, () => outcome([404], engine.client.getExec(one).inspect()))),
    )
    const waiting = found.flatMap(({ answer }) => (answer && !answer.Pid && answer.ExitCode === null ? [answer] : []))
    const waited = clock.monotonic() - begun
    if (!waiting.some(({ Running }) => Running || waited < PREPARED_MS)) return
    if (waited > START_MS) throw errors.failed(operation, 'A process of the sandbox does not start')
    await clock.sleep(PAUSE_MS)
  }
}
