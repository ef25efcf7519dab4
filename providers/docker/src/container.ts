import { isRingfenceError } from '@ringfence/core'
import type { Answer, Engine } from './engine.ts'
import { errors } from './errors.ts'
import { at, textAt } from './json.ts'

/** How long an engine may take to remove a container, in milliseconds. */
const REMOVAL_MS = 120_000
const PAUSE_MS = 100

/** What an engine says of a container, by its id or its name; `undefined` when there is none. */
export async function inspectContainer(engine: Engine, id: string, operation: string, signal?: AbortSignal | undefined): Promise<unknown> {
  const { status, body } = await engine.call({ method: 'GET', path: `/containers/${id}/json`, operation, accept: [404], signal })
  return status === 404 ? undefined : body
}

export const isRunning = (inspected: unknown): boolean => at(inspected, 'State', 'Running') === true

/** A label of a container; empty where there is none. */
export const labelOf = (inspected: unknown, label: string): string => textAt(inspected, 'Config', 'Labels', label)

/** Ends and removes a container with its volumes, and waits until it is gone. One that is not there is no error. */
export async function removeContainer(engine: Engine, id: string, operation: string): Promise<void> {
  const { clock } = engine.context
  const start = clock.monotonic()
  for (;;) {
    const { status, message } = await requestRemoval(engine, id, operation, { v: 1, force: 1 })
    if (status < 300 || status === 404) return
    // A removal that goes on already is waited for; so is a busy file system.
    if (clock.monotonic() - start > REMOVAL_MS)
      throw errors.failed(operation, `The engine does not remove the container "${id}": "${message}"`)
    await clock.sleep(PAUSE_MS)
  }
}

/** Removes a container that does not run. One that runs stays, and so does one that cannot be removed now. */
export async function removeEnded(engine: Engine, id: string, operation: string): Promise<void> {
  await requestRemoval(engine, id, operation, { v: 1 })
}

function requestRemoval(engine: Engine, id: string, operation: string, query: Record<string, number>): Promise<Answer> {
  const path = `/containers/${id}`
  return engine.call({ method: 'DELETE', path, query, operation, accept: [404, 409, 500], deadlineMs: REMOVAL_MS })
}

/** Says why a connection broke: `sandbox.gone` when the container has really ended, else `provider.failed`. */
export async function cutReason(engine: Engine, id: string, operation: string, error: unknown): Promise<unknown> {
  if (isRingfenceError(error) && error.code !== 'provider.failed') return error
  const said = error instanceof Error ? error.message : String(error)
  const cut = isRingfenceError(error) ? error : errors.failed(operation, `The connection to the process was cut: "${said}"`, error)
  try {
    return isRunning(await inspectContainer(engine, id, operation)) ? cut : errors.gone(operation, id, error)
  } catch {
    // The engine cannot be asked: what became of the container is not known, and the first error tells why.
    return cut
  }
}
