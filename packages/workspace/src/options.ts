import type { AuditSink, ManifestInput, NativeSnapshot, Provider, RuntimeContext, SnapshotStore } from '@ringfence/core'
import type { OnWorkspaceEvent } from './events.ts'
import type { PolicyInput } from './policy/admit.ts'
import type { SecretValues } from './secrets/secret-values.ts'
import type { SnapshotRef } from './snapshot/index.ts'
import type { WorkspaceState } from './workspace.ts'

export interface OpenWorkspaceOptions {
  /** Where the sandbox comes from. */
  readonly sandbox: Provider
  /** What it begins with. Default: nothing. */
  readonly manifest?: ManifestInput | undefined
  /** What it may do. Default: isolation `process`, no network, no other user. */
  readonly policy?: PolicyInput | undefined
  /** The secrets of `policy`, read already by `readSecrets`. Default: they are read now. */
  readonly secrets?: SecretValues | undefined
  /** Where snapshots are kept. */
  readonly snapshots?: SnapshotStore | undefined
  /** Begins with the content of a snapshot instead of the manifest's; ephemeral entries are put anew. One of a store needs `snapshots`. */
  readonly from?: SnapshotRef | NativeSnapshot | undefined
  /** Attaches to a workspace that is there, instead of making one. Never builds one anew. */
  readonly resume?: WorkspaceState | undefined
  /** Path-safe, at most 64 characters. Default: a new one. */
  readonly runId?: string | undefined
  /** Names who makes sandboxes, so that they can be told apart. Path-safe. Default `ringfence`. */
  readonly installation?: string | undefined
  /** The name of the wish for this sandbox, unique in the run. Default: a new one. */
  readonly intentId?: string | undefined
  /** How long the sandbox outlives a harness that died, in milliseconds. Default 120,000. */
  readonly leaseMs?: number | undefined
  /** The epoch of the driver: a later one shuts earlier ones out. Default 1. */
  readonly epoch?: number | undefined
  readonly onEvent?: OnWorkspaceEvent | undefined
  readonly audit?: readonly AuditSink[] | undefined
  readonly runtime?: RuntimeContext | undefined
  /** Aborts the opening; nothing is left then. */
  readonly signal?: AbortSignal | undefined
}
