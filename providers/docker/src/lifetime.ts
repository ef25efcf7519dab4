import type { LifetimeFacet } from '@ringfence/core'
import { cutReason } from './container.ts'
import type { Engine } from './engine.ts'
import { errors } from './errors.ts'
import { exitOf, startExec } from './exec.ts'
import { EXTEND, KEEPER, secondsOf } from './scripts.ts'

/** Prolongs the life of a container by one process inside. `holder` is who wants it to live: the longest of all counts. */
export async function prolong(engine: Engine, container: string, holder: string, ms: number, signal?: AbortSignal): Promise<void> {
  const operation = 'lifetime.extend'
  const { code } = await runExec(
    engine,
    container,
    ['sh', '-c', EXTEND, 'sh', holder, String(secondsOf(ms))],
    `${KEEPER}`,
    operation,
    signal,
  )
  if (code !== 0) throw errors.failed(operation, `The life of the sandbox was not prolonged: the process inside ended with ${code}`)
}

/** The calls of one holder, one after the other, so that a shorter one never comes after a longer one. */
export function lifetimeOf(extend: (ms: number) => Promise<void>): LifetimeFacet {
  let last: Promise<void> = Promise.resolve()
  return {
    extend(ms) {
      const next = last.then(() => extend(ms))
      // Who asked hears of a failure; what comes after it does not depend on it.
      last = next.catch(() => undefined)
      return next
    },
  }
}

/** Runs a process without input to its end, and gives how it ended. Its output is thrown away. */
export async function runExec(
  engine: Engine,
  container: string,
  argv: readonly string[],
  user: string,
  operation: string,
  signal?: AbortSignal,
): Promise<{ readonly code: number | null }> {
  const exec = await startExec(engine, container, { argv, user, stdin: false, tty: false, operation, signal })
  const onAbort = (): void => void exec.socket.destroy()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal?.aborted) onAbort()
    for await (const _ of exec.socket);
    return await exitOf(engine, exec)
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    throw await cutReason(engine, container, operation, error)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    exec.socket.destroy()
  }
}
