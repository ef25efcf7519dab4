import type { OutputChunk } from '../provider/v1/process.ts'
import type { TerminalSize } from '../provider/v1/pty.ts'

/** A string runs by `sh -c`; an array is the program and its arguments, with nothing interpreted. */
export type CommandLine = string | readonly string[]

export interface CommandOptions {
  /** Relative to the workspace. Default: the workspace itself. */
  readonly cwd?: string | undefined
  /** Added to the variables of the manifest. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Default: the user of the sandbox. Others need the policy's `users` and a provider with users. */
  readonly user?: string | undefined
  /** After this many milliseconds the command is killed with all that it started. Default: no deadline. */
  readonly timeoutMs?: number | undefined
  /** Kills the command as well. The call rejects with the reason. */
  readonly signal?: AbortSignal | undefined
  /** Output that is kept inside per stream, in bytes; more is cut. Default 1 GiB. */
  readonly maxSpoolBytes?: number | undefined
  /** The id of the operation; the engine makes one otherwise. One id runs once. */
  readonly opId?: string | undefined
}

export interface ExecOptions extends CommandOptions {
  /** What the command reads. Default: nothing, its stdin is at its end. */
  readonly stdin?: string | Uint8Array | undefined
  /** Bytes of each stream that are returned; the middle of more is left out and the cut marked. Default 16 MiB. */
  readonly maxOutputBytes?: number | undefined
}

export interface SpawnOptions extends CommandOptions {
  /** `open`: `Command.stdin` is there. Default `none`. */
  readonly stdin?: 'none' | 'open' | undefined
  /** Runs it on a terminal of this size, with open stdin. */
  readonly pty?: TerminalSize | undefined
}

/** How a command ended. Exactly one of `exitCode` and `signal` is set. */
export interface CommandExit {
  readonly exitCode: number | null
  /** `SIGKILL`, ... */
  readonly signal: string | null
  /** It was killed because `timeoutMs` had passed. */
  readonly timedOut: boolean
  /** Its output passed `maxSpoolBytes` and was cut. */
  readonly outputCut: boolean
}

export interface ExecResult extends CommandExit {
  readonly opId: string
  /** As UTF-8; bytes that are none become U+FFFD. Known secrets are redacted. */
  readonly stdout: string
  readonly stderr: string
  /** Something was left out of `stdout` or `stderr`; where, says the text. */
  readonly truncated: boolean
  readonly durationMs: number
}

/** The standard input of a command. */
export interface CommandInput {
  /** Throws `exec.invalid-stdin` when the command reads no more. */
  write(data: string | Uint8Array): Promise<void>
  end(): Promise<void>
}

/** A running command. It belongs to the sandbox: it outlives this handle and this process. */
export interface Command {
  readonly opId: string
  /** What it prints, redacted, from its beginning. Can be iterated once. */
  readonly output: AsyncIterable<OutputChunk>
  /** Settles when it has ended, whether its output was read or not. */
  readonly exit: Promise<CommandExit>
  readonly stdin?: CommandInput | undefined
  /** Signals the command and all that it started. One that has ended is no error. */
  kill(signal?: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<void>
  /** There on a terminal. */
  readonly resize?: ((size: TerminalSize) => Promise<void>) | undefined
  /** Lets go; the command goes on. */
  detach(): Promise<void>
}
