import type { NativeSnapshot, SandboxState, WorkspaceHandle } from '@ringfence/core'
import type { ControlState } from './exec/index.ts'
import type { PortOptions, WorkspacePort } from './ports/index.ts'
import type { SnapshotRef } from './snapshot/index.ts'

/** Enough to attach to a workspace from another process: plain JSON without secrets. */
export interface WorkspaceState {
  readonly version: 1
  readonly runId: string
  readonly sandbox: SandboxState
  /** Where the receipts are, and by what they are known. */
  readonly control: ControlState
  /** Paths that no snapshot holds. */
  readonly ephemeral: readonly string[]
}

/** A sandbox with content, as its owner sees it. */
export interface Workspace extends WorkspaceHandle, AsyncDisposable {
  readonly state: WorkspaceState
  readonly sandboxId: string
  /** What the sandbox really is kept apart by. */
  readonly isolation: string
  /** What changed in a git repository of the workspace since its last commit, as a git patch: hostile data. Throws `git.failed`. */
  diff(path?: string): Promise<string>
  /** Stores the whole workspace, without ephemeral entries and secrets. Throws `config.invalid` without a store, `snapshot.failed`. */
  snapshot(options?: { signal?: AbortSignal | undefined }): Promise<SnapshotRef>
  /**
   * The whole file system as the provider keeps it, also what is installed outside of the workspace; it goes into sandboxes of this
   * provider alone. Give it up by {@link deleteSnapshot}. Throws `feature.unsupported` without the facet, or when the workspace holds
   * ephemeral entries or secrets; `snapshot.failed`.
   */
  nativeSnapshot(options?: { signal?: AbortSignal | undefined }): Promise<NativeSnapshot>
  /**
   * A second workspace with the same content, in a sandbox and a run of its own. It takes the provider's own snapshots where it can, else it
   * needs a snapshot store.
   */
  fork(options?: { signal?: AbortSignal | undefined }): Promise<Workspace>
  /**
   * Makes a port of the sandbox reachable from this machine, once something listens on it. The network of the sandbox stays as it is.
   *
   * @param port inside, 1 to 65,535.
   * @throws `port.not-listening`, `feature.unsupported` (no program inside that can relay), `config.invalid` (a port that is none, or taken here).
   */
  port(port: number, options?: PortOptions): Promise<WorkspacePort>
  /** Stops all that runs in it where it stands. Until `resume`, other calls may wait. Throws `feature.unsupported` without the facet. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Removes the receipts and the kept output of commands that nobody will ask for again. */
  forget(opIds: readonly string[]): Promise<void>
  /** Replaces known secrets in a text. */
  redact(text: string): string
  /** Replaces known secrets in each text of a JSON value. */
  redactJson<T>(value: T): T
  /** The same workspace for tools and third-party code: commands and files, nothing that ends it. */
  restricted(): WorkspaceHandle
  /** Lets go of the sandbox, which lives on until its lease has run out. Idempotent. */
  release(): Promise<void>
  /** Ends the sandbox. Idempotent, also after `release`. */
  destroy(): Promise<void>
}
