import type { CreateRequest } from '@ringfence/core'
import { inspectContainer, removeContainer, removeEnded } from './container.ts'
import { ask, type Engine } from './engine.ts'
import { isOver } from './lease.ts'
import { sweepGivenUp } from './snapshot.ts'
import { LABELS } from './spec.ts'

/** No creation takes this long, in milliseconds: each of its steps has a deadline. */
const ABANDONED_MS = 15 * 60_000
/** No creation waits longer for what is swept beside it, in milliseconds. */
const SWEEP_MS = 20_000
const OPERATION = 'sandbox.create'

/** Sweeps an installation while a sandbox of it is made. */
export async function sweep(engine: Engine, { ref, signal }: CreateRequest): Promise<void> {
  const purpose = { operation: OPERATION, signal, deadlineMs: SWEEP_MS }
  const { installation } = ref
  await ask(engine, purpose, (abortSignal) =>
    Promise.all([sweepIdle(engine, installation, ABANDONED_MS, abortSignal), sweepGivenUp(engine, installation, abortSignal)]),
  )
}

/**
 * Removes what of an installation cannot end by itself: containers that were made and never started, since their creator died in between,
 * and those that are paused and whose life is over. Ages are told by the clock of the engine.
 */
export async function sweepIdle(engine: Engine, installation: string, olderThanMs: number, signal?: AbortSignal): Promise<void> {
  const purpose = { operation: OPERATION, signal }
  const filters = { status: ['created', 'paused'], label: [`${LABELS.installation}=${installation}`] }
  const listed = await ask(engine, purpose, () => engine.client.listContainers({ all: true, filters }))
  const made = listed.filter(({ State }) => State === 'created')
  const { SystemTime }: { SystemTime?: string } = made.length > 0 ? await ask(engine, purpose, () => engine.client.info()) : {}
  // One that was started meanwhile stays.
  const old = made.filter(({ Created }) => Date.parse(SystemTime ?? '') - Created * 1000 >= olderThanMs)
  const paused = listed.filter(({ State }) => State === 'paused')
  await Promise.all([
    ...old.map(({ Id }) => removeEnded(engine, Id, OPERATION)),
    ...paused.map(async ({ Id }) => {
      const inspected = await inspectContainer(engine, Id, OPERATION, signal)
      if (inspected?.State.Paused && (await isOver(engine, inspected, OPERATION))) await removeContainer(engine, Id, OPERATION)
    }),
  ])
}
