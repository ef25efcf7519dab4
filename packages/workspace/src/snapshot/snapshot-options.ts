import type { Clock, SnapshotStore } from '@ringfence/core'
import type { ArchiveLimits } from '../archive/index.ts'
import type { SandboxShell } from '../shell/sandbox-shell.ts'
import type { SnapshotRef } from './snapshot-ref.ts'

interface Common {
  readonly shell: SandboxShell
  /** The absolute path of the workspace inside. */
  readonly root: string
  readonly store: SnapshotStore
  readonly clock: Clock
  /** Of what comes out of the sandbox and of the store. */
  readonly limits?: ArchiveLimits | undefined
  readonly signal?: AbortSignal | undefined
}

export interface TakeSnapshotOptions extends Common {
  /** Paths within the workspace that are left out: ephemeral entries, slots of secrets, mounts, the control directory. */
  readonly exclude: readonly string[]
  /** Told of each socket, FIFO or device, which no snapshot holds. */
  readonly onLeftOut?: ((path: string) => void) | undefined
}

export interface RestoreSnapshotOptions extends Common {
  readonly ref: SnapshotRef
  /** Paths that are neither removed, nor restored, nor compared: what this sandbox has there itself. Default: none. */
  readonly exclude?: readonly string[] | undefined
}

/** A way to store a workspace. */
export interface SnapshotFormat {
  /** One try. */
  take(options: TakeSnapshotOptions): Promise<SnapshotRef>
  /** Into a sandbox that holds nothing which is still needed. */
  restore(options: RestoreSnapshotOptions): Promise<void>
}
