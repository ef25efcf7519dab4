import type { SuspendFacet } from '@ringfence/core'
import { inspectContainer, isRunning } from './container.ts'
import { ask, type Engine, outcome } from './engine.ts'
import { errors, refused } from './errors.ts'
import type { Gate } from './gate.ts'

/** Stops a container where it stands, and lets it go on. */
export function suspending(engine: Engine, id: string, gate: Gate): SuspendFacet {
  const container = engine.client.getContainer(id)
  const set = async (isPaused: boolean, operation: string): Promise<void> => {
    const { refusal } = await ask(engine, { operation, id }, () => outcome([409, 500], isPaused ? container.pause() : container.unpause()))
    if (!refusal) return
    // It may be so already.
    const inspected = await inspectContainer(engine, id, operation)
    if (!isRunning(inspected)) throw errors.gone(operation, id)
    if (inspected?.State.Paused !== isPaused) throw refused(operation, refusal, id)
  }
  return {
    pause: () => gate.quietly('suspend.pause', () => set(true, 'suspend.pause')),
    resume: () => set(false, 'suspend.resume'),
  }
}
