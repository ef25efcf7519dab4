/** A promise, and how it is settled from outside. That nobody waits for it must not end the harness. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue
    reject = onReason
  })
  // Whoever waits hears of a rejection.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
