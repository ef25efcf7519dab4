import type { Process } from './process.ts'

export interface TerminalSize {
  /** Characters a line, 1 to 65,535. */
  readonly columns: number
  /** Lines, 1 to 65,535. */
  readonly rows: number
}

export interface PtyRequest {
  readonly size: TerminalSize
  readonly user?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** A process on a terminal. Its output is one stream, of fd 1. */
export interface PtyProcess extends Process {
  readonly stdin: NonNullable<Process['stdin']>
  resize(size: TerminalSize): Promise<void>
}

/** Processes on a terminal of their own. */
export interface PtyFacet {
  /** Starts `argv` as the leader of a session on a new terminal. Closing the terminal hangs it up. */
  open(argv: readonly string[], request: PtyRequest): Promise<PtyProcess>
}
