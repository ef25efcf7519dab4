import { setMaxListeners } from 'node:events'

/** A first signal lets the sample that is under way come to its end, so that nothing is left; a second one ends at once. */
export function stopsBySignal(): AbortSignal {
  const stop = new AbortController()
  // Every sandbox of a sample listens to it.
  setMaxListeners(0, stop.signal)
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    // The peer ends the process at once, when it is imported.
    process.removeAllListeners(name)
    process.once(name, () => stop.abort(new Error(`Ended by ${name}`)))
  }
  return stop.signal
}
