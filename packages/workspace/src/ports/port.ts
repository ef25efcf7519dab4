export interface PortOptions {
  /** Where it listens on this machine. Default `127.0.0.1`: others reach it only when an address of this machine is named. */
  readonly host?: string | undefined
  /** The port on this machine. Default 0: a free one. */
  readonly localPort?: number | undefined
  /** How long something may take to listen inside, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** A port of the sandbox that can be reached from here. What comes out of it is untrusted, and not redacted. */
export interface WorkspacePort {
  /** As in `http://127.0.0.1:49152`; without a path. */
  readonly url: string
  /** To be sent with every request; empty where there are none. */
  readonly headers: Readonly<Record<string, string>>
  /** Closes it with all connections through it. Idempotent; the end of the workspace does it too. */
  close(): Promise<void>
}
