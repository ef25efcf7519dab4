import { removeEnded } from './container.ts'
import type { Engine } from './engine.ts'
import { listAt, numberAt, textAt } from './json.ts'
import { LABELS } from './spec.ts'

/** No creation takes this long, in milliseconds: each of its steps has a deadline. */
export const ABANDONED_MS = 15 * 60_000

/**
 * Removes containers of an installation that were made and never started: their creator died in between. Those that run
 * end by themselves. Ages are told by the clock of the engine.
 */
export async function sweepCreated(engine: Engine, installation: string, olderThanMs: number): Promise<void> {
  const filters = JSON.stringify({ status: ['created'], label: [`${LABELS.installation}=${installation}`] })
  const operation = 'sandbox.create'
  const { body, date } = await engine.call({ method: 'GET', path: '/containers/json', query: { all: 1, filters }, operation })
  for (const one of listAt(body)) {
    const age = date - numberAt(one, 'Created') * 1000
    // One that was started meanwhile stays.
    if (age >= olderThanMs) await removeEnded(engine, textAt(one, 'Id'), operation)
  }
}
