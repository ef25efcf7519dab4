import type { RequestText } from '../script/requests.ts'

/** One request over a channel. */
export interface ChannelRequest {
  readonly text: RequestText
  /** Functions that it calls. A shell that stays reads them once. */
  readonly library?: string | undefined
  /** Runs in the shell itself, which it changes, instead of beside it. */
  readonly inMain?: boolean | undefined
  /** Does the same in the shell itself as beside it, and takes a moment only. */
  readonly quick?: boolean | undefined
  /** Takes the payload, in the order of the bytes of each stream. */
  readonly onChunk?: ((fd: 1 | 2, bytes: Uint8Array) => void) | undefined
  /** It is being worked on: a command was claimed. */
  readonly onStarted?: (() => void) | undefined
  /** A line of information ahead of the answer. */
  readonly onInfo?: ((line: string) => void) | undefined
}

/** What became of a request. */
export type Answer =
  /** The words after the kind. */
  | { readonly kind: 'done'; readonly words: readonly string[] }
  /** The script refused before it did anything: `gone`, `fenced n`, `cwd`, `held`, `claim`, `none`. */
  | { readonly kind: 'refused'; readonly words: readonly string[] }
  /** The channel ended first. `never`: the request surely did nothing. */
  | { readonly kind: 'lost'; readonly never: boolean; readonly cause: unknown }

/** A way by which scripts get into the sandbox. */
export interface Channel {
  /** Whether answers and events arrive while a command runs. */
  readonly live: boolean
  /**
   * Sends one request. Channel failures are answers; rejects with the provider's error when nothing could be started
   * at all.
   */
  call(request: ChannelRequest): Promise<Answer>
  /** Hangs up. Commands go on; open calls are answered `lost`. Idempotent. */
  close(): Promise<void>
}

/** The book of open calls of one process behind a channel. */
export interface PendingCalls {
  add(sequence: number, request: ChannelRequest): Promise<Answer>
  event(sequence: number, words: readonly string[], line: string): boolean
  chunk(sequence: number, fd: 1 | 2, bytes: Uint8Array): boolean
  end(sequence: number): boolean
  /** Answers all that is open with `lost`. `drained`: what the sandbox had to say was read to its end. */
  lose(cause: unknown, drained: boolean): void
  /** Calls without an answer. */
  size(): number
  /** Calls that owe a sign of life: not yet begun, or with a payload announced that did not come. */
  owing(): readonly number[]
}

interface Pending {
  readonly request: ChannelRequest
  readonly resolve: (answer: Answer) => void
  started: boolean
  frameEnded: boolean
  done: readonly string[] | undefined
}

/** Keeps the open calls. Each method tells whether what it got fits to a call; what does not is a breach. */
export function pendingCalls(): PendingCalls {
  const open = new Map<number, Pending>()
  const settle = (sequence: number, one: Pending, answer: Answer): true => {
    open.delete(sequence)
    one.resolve(answer)
    return true
  }
  return {
    add: (sequence, request) =>
      new Promise<Answer>((resolve) => {
        open.set(sequence, { request, resolve, started: false, frameEnded: false, done: undefined })
      }),
    event(sequence, [kind, ...words], line) {
      const one = open.get(sequence)
      if (!one || one.done) return false
      if (kind === 'I') one.request.onInfo?.(line.slice(2))
      else if (kind === 'R') return settle(sequence, one, { kind: 'refused', words })
      else if (kind === 'S') {
        if (one.started) return false
        one.started = true
        one.request.onStarted?.()
      } else if (kind === 'D' && (words[0] === '0' || words[0] === '1')) {
        one.done = words.slice(1)
        if (words[0] === '0' || one.frameEnded) return settle(sequence, one, { kind: 'done', words: one.done })
      } else return false
      return true
    },
    chunk(sequence, fd, bytes) {
      const one = open.get(sequence)
      if (!one || one.frameEnded) return false
      one.request.onChunk?.(fd, bytes)
      return true
    },
    end(sequence) {
      const one = open.get(sequence)
      if (!one || one.frameEnded) return false
      one.frameEnded = true
      return one.done ? settle(sequence, one, { kind: 'done', words: one.done }) : true
    },
    lose(cause, drained) {
      for (const [sequence, one] of open) settle(sequence, one, { kind: 'lost', never: drained && !one.started, cause })
    },
    size: () => open.size,
    owing: () => [...open].filter(([, one]) => !one.started || one.done).map(([sequence]) => sequence),
  }
}
