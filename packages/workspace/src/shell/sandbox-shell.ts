import type { Script } from './script.ts'

/** The result of a script that ran inside. Its output is untrusted. */
export interface ScriptResult {
  readonly code: number
  readonly stdout: Uint8Array
  /** As UTF-8, at most 64 KiB. */
  readonly stderr: string
}

export interface ScriptOptions {
  /** What the script reads. A piece of a stream need not hold when the one after the next is asked for. Default: nothing. */
  readonly stdin?: Uint8Array | AsyncIterable<Uint8Array> | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * The script is a routine that takes a moment only, whatever is there, so that a shell that stays may run it itself instead of in a
   * process, while it has nothing else to do. It returns, and never exits; its variables have one letter, but for `LC_ALL`; all
   * else that it changes is its working directory, its umask and `set -C`. Stdin is not possible. Default `false`.
   */
  readonly quick?: boolean | undefined
  /** Bytes of output that are taken; more is `archive.limit`. Default 64 MiB for `run`, none for `stream`. */
  readonly maxBytes?: number | undefined
}

/**
 * The engine's own scripts inside of the sandbox, run as the default user, with the workspace as their working directory. They
 * are no commands of the agent: no receipt, no event. Where the wire's stdin is live, small ones cost no process of their own.
 */
export interface SandboxShell {
  /** Runs a script to its end. A non-zero code is a result. */
  run(script: Script, args: readonly string[], options?: ScriptOptions): Promise<ScriptResult>
  /** Streams what a script prints. Throws `fs.failed` with what it said on stderr when it ends with another code than 0. */
  stream(script: Script, args: readonly string[], options?: ScriptOptions): AsyncIterable<Uint8Array>
}
