import { buffer } from 'node:stream/consumers'
import type { LifetimeFacet } from '@ringfence/core'
import type { ContainerInspectInfo } from 'dockerode'
import { inspectContainer, isRunning, putMembers } from './container.ts'
import { ask, type Engine, streamOf } from './engine.ts'
import { errors } from './errors.ts'
import { ENDED, KEEPER, LEASE, NOW, secondsOf, UNTIL } from './scripts.ts'
import { filesOf } from './tar.ts'

/** How long a container may live, in seconds of the uptime that it sees. */
interface Lease {
  readonly now: number
  readonly until: number
  /** Its first process is about to end it. */
  readonly isEnding: boolean
}

/** Between two looks at a container that is about to end, in milliseconds. */
const PAUSE_MS = 500

/**
 * Reads the lease of a container that was started, also of one that is paused. What it wrote last, at least once a minute, tells its
 * uptime; the time since then is told by the clock of the engine.
 */
async function readLease(engine: Engine, id: string, operation: string, signal?: AbortSignal): Promise<Lease> {
  return ask(engine, { operation, id, signal }, async () => {
    const answer = streamOf(await engine.client.getContainer(id).getArchive({ path: LEASE }))
    const files = filesOf(await buffer(answer))
    const written = files.find(({ name }) => name === NOW)
    const since = Date.parse(answer.headers.date ?? '') / 1000 - (written?.modifiedAt ?? Number.NaN)
    const now = Number(written?.content) + since
    const until = Math.max(0, ...files.filter(({ name }) => name.startsWith(UNTIL)).map(({ content }) => Number(content)))
    if (!Number.isFinite(now + until)) throw errors.failed(operation, `How long the sandbox "${id}" may live cannot be read`)
    return { now, until, isEnding: files.some(({ name }) => name === ENDED) }
  })
}

/** Whether the life of a container was over before it could end itself: what is paused does not look at the time. */
export async function isOver(engine: Engine, inspected: ContainerInspectInfo, operation: string): Promise<boolean> {
  if (!isRunning(inspected) || !inspected.State.Paused) return !isRunning(inspected)
  const { now, until, isEnding } = await readLease(engine, inspected.Id, operation)
  return isEnding || now > until
}

/**
 * Prolongs the life of a container. `holder` is who wants it to live: the longest of all counts. Nothing runs inside for it, so that
 * it works while the container is paused, and when it may start no more processes.
 */
export function lifetimeOf(engine: Engine, id: string, holder: string): LifetimeFacet {
  const operation = 'lifetime.extend'
  let turn = 0
  const extend = async (ms: number): Promise<void> => {
    const { now, until, isEnding } = await readLease(engine, id, operation)
    const wanted = Math.floor(now) + secondsOf(ms)
    if (wanted <= until && !isEnding) return
    // The one that counts now stays until the new one is there.
    turn = 1 - turn
    const lease = { path: `${LEASE}/${UNTIL}${holder}.${turn}`, mode: 0o600, uid: KEEPER, gid: KEEPER, content: `${wanted}\n` }
    await putMembers(engine, { operation, id }, LEASE, [lease])
    // It looks once more after it has said that it ends: either it sees this one then, or it is gone.
    while ((await readLease(engine, id, operation)).isEnding) {
      if ((await inspectContainer(engine, id, operation))?.State.Paused !== false) throw errors.gone(operation, id)
      await engine.context.clock.sleep(PAUSE_MS)
    }
  }
  let last: Promise<void> = Promise.resolve()
  return {
    extend(ms) {
      // One after the other, so that a shorter one never takes the place of a longer one.
      const next = last.then(() => extend(ms))
      // Who asked hears of a failure; what comes after it does not depend on it.
      last = next.catch(() => undefined)
      return next
    },
  }
}
