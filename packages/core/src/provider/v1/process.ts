/** A piece of output, in the order in which the wire delivered it. On a `merged` wire every piece is of fd 1. */
export interface OutputChunk {
  readonly fd: 1 | 2
  readonly bytes: Uint8Array
}

/** How a process ended. Exactly one of the two is set. A non-zero code is a result, not an error. */
export type ExitStatus = { readonly code: number; readonly signal: null } | { readonly code: null; readonly signal: string }

/** The standard input of a running process. */
export interface ProcessInput {
  /** Resolves when the wire has taken the bytes. Writing to a process that reads no more is `exec.invalid-stdin`. */
  write(bytes: Uint8Array): Promise<void>
  /** Closes it: the process reads its end. May be called again. */
  end(): Promise<void>
}

/** A process that was started through the wire. */
export interface Process {
  /**
   * What it prints, pulled: nothing is read ahead beyond a small buffer, so a reader that waits makes the process
   * wait. It can be iterated once. It ends when both streams have ended or after `detach`; it throws
   * `provider.failed` or `sandbox.gone` when the connection was cut, never ends early in silence.
   */
  readonly output: AsyncIterable<OutputChunk>
  /**
   * How it ended. Settles after the output was drained or the process detached, never before. Rejects with
   * `sandbox.gone` or `provider.failed` when its end cannot be known. A rejection that nobody awaits must not end the
   * harness.
   */
  readonly exit: Promise<ExitStatus>
  /** Lets go of the connection. The process goes on where the wire allows it; `exit` then rejects. Idempotent. */
  detach(): Promise<void>
  /** There when the process was started with `stdin: true`. */
  readonly stdin?: ProcessInput | undefined
  /** There where the wire can kill. The reach is `wire.kill`. A process that has ended is no error. */
  readonly kill?: ((signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT') => Promise<void>) | undefined
}
