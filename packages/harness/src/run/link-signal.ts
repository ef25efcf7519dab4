/** A controller that is aborted with other signals, and can be let go of. */
export interface LinkedAbort {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** Removes the listeners from the other signals. */
  unlink(): void
}

/** Links a new signal to others, with their reasons. */
export function linkSignal(...sources: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const controller = new AbortController()
  const cleanups: (() => void)[] = []
  for (const source of sources) {
    if (!source) continue
    if (source.aborted) controller.abort(source.reason)
    const onAbort = (): void => controller.abort(source.reason)
    source.addEventListener('abort', onAbort, { once: true })
    cleanups.push(() => source.removeEventListener('abort', onAbort))
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    unlink() {
      for (const cleanup of cleanups) cleanup()
    },
  }
}
