import { isRingfenceError, throwIfAborted } from '@ringfence/core'
import { ask, type Engine, streamOf } from './engine.ts'
import { errors, saidBy } from './errors.ts'
import { type EngineEvent, eventsOf } from './events.ts'
import type { Report } from './share.ts'

/** How long an engine may look for an image before its progress begins, in milliseconds. */
const BEGIN_MS = 300_000

/** What of a layer is done, from and to, while the engine says this of it. */
const STAGES = new Map<string, readonly [from: number, to: number]>([
  ['Pulling fs layer', [0, 0]],
  ['Waiting', [0, 0]],
  ['Downloading', [0, 0.5]],
  ['Verifying Checksum', [0.5, 0.5]],
  ['Download complete', [0.5, 0.5]],
  ['Extracting', [0.5, 1]],
  ['Pull complete', [1, 1]],
  ['Already exists', [1, 1]],
])

/**
 * Brings an image to the engine.
 *
 * @throws `sandbox.start-failed` when it cannot be had, `config.invalid` when its name is none.
 */
export async function pullImage(engine: Engine, name: string, report: Report, signal: AbortSignal): Promise<void> {
  const told = progressOf(report)
  try {
    const stream = await ask(engine, { operation: 'sandbox.create', signal, deadlineMs: BEGIN_MS }, async () =>
      streamOf(await engine.client.pull(name)),
    )
    for await (const event of eventsOf(stream, signal)) told(event)
  } catch (error) {
    throwIfAborted(signal)
    if (isRingfenceError(error) && error.code !== 'provider.failed') throw error
    throw notHad(name, saidBy(error), error)
  }
}

/** Tells how far the layers are together. Each counts alike: the size of one that has not begun is not known. */
function progressOf(report: Report): (event: EngineEvent) => void {
  const layers = new Map<string, number>()
  let last = -1
  return ({ id, status = '', progressDetail }) => {
    const stage = STAGES.get(status)
    if (id === undefined || !stage) return
    const { current = 0, total = 0 } = progressDetail ?? {}
    layers.set(id, stage[0] + (stage[1] - stage[0]) * (total > 0 ? Math.min(1, current / total) : 0))
    const fraction = [...layers.values()].reduce((sum, part) => sum + part, 0) / layers.size
    // An engine tells of every few kilobytes.
    const percent = Math.floor(fraction * 100)
    if (percent <= last) return
    last = percent
    report({ stage: 'pulling', message: `${id}: ${status}`, fraction })
  }
}

/** Says why an image cannot be had. */
export function notHad(name: string, why: string, cause?: unknown): Error {
  if (/invalid reference format|invalid repository name/i.test(why)) return invalidName(name, why)
  return errors.startFailed(
    `The engine does not have the image "${name}", and could not pull it: ${why}`,
    `Check its name and the registry, or bring it to the engine yourself ("docker pull ${name}", "docker load").`,
    cause,
  )
}

export function invalidName(name: string, why: string): Error {
  return errors.invalid('sandbox.create', `The image "${name}" is no name of an image: ${why}`, 'Write it as in "debian:bookworm-slim".')
}
