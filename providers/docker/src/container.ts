import { isRingfenceError } from '@ringfence/core'
import type { ContainerInspectInfo } from 'dockerode'
import { ask, type Engine, outcome, type Purpose } from './engine.ts'
import { errors, lost, type Refusal, saidBy } from './errors.ts'
import { archiveOf, type Member } from './tar.ts'

/** How long an engine may take to remove a container, in milliseconds. */
const REMOVAL_MS = 120_000
const PAUSE_MS = 100

/** What an engine says of a container, by its id or its name; `undefined` when there is none. */
export async function inspectContainer(
  engine: Engine,
  id: string,
  operation: string,
  signal?: AbortSignal | undefined,
): Promise<ContainerInspectInfo | undefined> {
  const { answer } = await ask(engine, { operation, signal }, () => outcome([404], engine.client.getContainer(id).inspect()))
  return answer
}

/** Also one that is paused runs. */
export const isRunning = (inspected: ContainerInspectInfo | undefined): boolean => inspected?.State.Running === true

/** A label of a container; empty where there is none. */
export const labelOf = (inspected: ContainerInspectInfo | undefined, label: string): string => inspected?.Config.Labels?.[label] ?? ''

/** Puts members below a folder of a container, which need not run. */
export async function putMembers(
  engine: Engine,
  purpose: Purpose & { readonly id: string },
  folder: string,
  members: readonly Member[],
): Promise<void> {
  await ask(engine, purpose, () => engine.client.getContainer(purpose.id).putArchive(archiveOf(folder, members), { path: folder }))
}

/** Ends and removes a container with its volumes, and waits until it is gone. One that is not there is no error. */
export async function removeContainer(engine: Engine, id: string, operation: string): Promise<void> {
  const { clock } = engine.context
  const start = clock.monotonic()
  for (;;) {
    const refusal = await requestRemoval(engine, id, operation, { v: true, force: true })
    if (!refusal || refusal.status === 404) return
    // A removal that goes on already is waited for; so is a busy file system.
    if (clock.monotonic() - start > REMOVAL_MS)
      throw errors.failed(operation, `The engine does not remove the container "${id}": "${refusal.message}"`)
    await clock.sleep(PAUSE_MS)
  }
}

/** Removes a container that does not run. One that runs stays, and so does one that cannot be removed now. */
export async function removeEnded(engine: Engine, id: string, operation: string): Promise<void> {
  await requestRemoval(engine, id, operation, { v: true })
}

async function requestRemoval(
  engine: Engine,
  id: string,
  operation: string,
  how: { readonly v: true; readonly force?: true },
): Promise<Refusal | undefined> {
  const { refusal } = await ask(engine, { operation, deadlineMs: REMOVAL_MS }, () =>
    outcome([404, 409, 500], engine.client.getContainer(id).remove({ ...how })),
  )
  return refusal
}

/** Says why a connection broke: `sandbox.gone` when the container has really ended, else `provider.failed`. */
export async function cutReason(engine: Engine, id: string, operation: string, error: unknown): Promise<unknown> {
  if (isRingfenceError(error) && error.code !== 'provider.failed') return error
  const cut = isRingfenceError(error) ? error : lost(operation, `The connection to the process was cut: "${saidBy(error)}"`, error)
  try {
    return isRunning(await inspectContainer(engine, id, operation)) ? cut : errors.gone(operation, id, error)
  } catch {
    // The engine cannot be asked: what became of the container is not known, and the first error tells why.
    return cut
  }
}
