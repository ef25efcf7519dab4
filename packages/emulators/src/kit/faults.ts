/** What goes wrong with a request. `after`: the request had its effect, and its answer is lost. */
export interface Fault {
  readonly kind: 'rate-limit' | 'error' | 'drop' | 'stall' | 'death' | 'html'
  readonly when: 'before' | 'after'
  /** Of `rate-limit`: seconds until the next try. */
  readonly retryAfter?: number | undefined
}

export interface LoggedRequest {
  /** Counted from 1 since the last `reset`. */
  readonly number: number
  readonly method: string
  /** Without its query. */
  readonly path: string
}

/** What was asked, and which of it goes wrong. */
export interface Traffic {
  readonly requests: readonly LoggedRequest[]
  /** Lets the request of this number, counted from the last `reset`, go wrong. */
  fail(number: number, fault: Fault): void
  /** Forgets all requests and faults. */
  reset(): void
  /** Takes down a request, and tells what goes wrong with it. */
  next(method: string, path: string): Fault | undefined
}

export function traffic(): Traffic {
  const requests: LoggedRequest[] = []
  const faults = new Map<number, Fault>()
  return {
    requests,
    fail: (number, fault) => void faults.set(number, fault),
    reset() {
      requests.length = 0
      faults.clear()
    },
    next(method, path) {
      const number = requests.length + 1
      requests.push({ number, method, path })
      return faults.get(number)
    },
  }
}
