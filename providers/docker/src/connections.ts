import { isRingfenceError } from '@ringfence/core'
import { inspectContainer, isRunning } from './container.ts'
import type { Engine } from './engine.ts'
import { errors } from './errors.ts'

/** A process that is connected. */
export interface Connection {
  cut(error: unknown): void
}

/** The processes of a handle that are connected, so that all can be let go at once. */
export interface Connections {
  add(one: Connection): void
  delete(one: Connection): void
  cut(error: unknown): void
}

/** Between two looks at the engine while something is connected, in milliseconds. */
const LOOK_MS = 15_000

/**
 * Looks after the connections to the processes of a container. Silence alone says nothing of them: a process may have
 * nothing to say. So the engine is asked for the container now and then. When it does not answer, because the network has
 * fallen silent, all are cut, and so they are when the container has ended and its runtime does not end their streams.
 */
export function openConnections(engine: Engine, id: string): Connections {
  const open = new Set<Connection>()
  let idle: AbortController | undefined
  const cut = (error: unknown): void => {
    for (const one of [...open]) one.cut(error)
  }
  const watch = async (signal: AbortSignal): Promise<void> => {
    for (let ended = false; !signal.aborted; ) {
      await engine.context.clock.sleep(LOOK_MS, { signal, unref: true })
      try {
        const runs = isRunning(await inspectContainer(engine, id, 'process.output', signal))
        // What its processes said last has until the next look to arrive.
        if (ended && !runs) cut(errors.gone('process.output', id))
        ended = !runs
      } catch (error) {
        if (!signal.aborted && isRingfenceError(error, 'provider.failed')) cut(error)
      }
    }
  }
  return {
    add(one) {
      open.add(one)
      if (idle) return
      idle = new AbortController()
      // It ends when nothing is connected any more, by its sleep.
      watch(idle.signal).catch(() => undefined)
    },
    delete(one) {
      open.delete(one)
      if (open.size > 0) return
      idle?.abort()
      idle = undefined
    },
    cut,
  }
}
