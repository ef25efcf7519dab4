import type { JsonObject } from '../../json/json.ts'
import type { FacetLevels, FacetMembers } from './facets.ts'
import type { Process } from './process.ts'
import type { Profile } from './profile.ts'

/** Enough to find a sandbox again: plain JSON without secrets and endpoints, which come from code. */
export interface SandboxState {
  readonly provider: string
  readonly id: string
  readonly data: JsonObject
}

export interface SandboxInfo {
  /** The id under which the provider knows it. */
  readonly id: string
  /** The absolute path of the workspace inside. It exists, is empty at first and belongs to the default user. */
  readonly workspace: string
  /**
   * An absolute path inside that is private to this sandbox, writable for the default user, on storage that lives as
   * long as the workspace, and outside of it. Receipts go there. Left out where the provider has none: the engine
   * then looks for a place.
   */
  readonly controlDirectory?: string | undefined
}

export interface SpawnRequest {
  /** The user to run as; only where `wire.user`. Default: the user of the image or the provider. */
  readonly user?: string | undefined
  /** Whether `Process.stdin` is wanted; only where `wire.stdin` is `live`. Without it the process reads an end at once. */
  readonly stdin?: boolean | undefined
  /** Aborts the start and the reading, never the process. */
  readonly signal?: AbortSignal | undefined
}

/** A running sandbox. Everything that comes out of it is untrusted. */
export interface SandboxBase<P extends Profile = Profile> {
  readonly state: SandboxState
  readonly info: SandboxInfo
  /** What really came: equal to the resolved profile, or lower. Read from the sandbox, not copied from the options. */
  readonly profile: P
  /**
   * Starts a process, with the working directory and the environment of the provider's choice: the engine sets both
   * itself. `argv[0]` is looked up in the PATH inside.
   *
   * @throws `exec.spawn-failed` when there is no such program (or the process ends with code 126 or 127),
   *   `sandbox.gone`, `sandbox.closed`, `feature.unsupported`, `config.invalid`.
   */
  spawn(argv: readonly string[], request?: SpawnRequest): Promise<Process>
  /** Drops connections and timers of this process; the sandbox goes on. Idempotent; later calls are `sandbox.closed`. */
  release(): Promise<void>
  /** Ends the sandbox and all that it holds. Idempotent, also when it has ended already and after `release`. */
  destroy(): Promise<void>
}

/** A sandbox with the members of the facets that its profile declares. */
export type SandboxOf<P extends Profile> = SandboxBase & FacetMembers<P['facets']>

/** A sandbox of any provider: each facet may be there. */
export type Sandbox = SandboxBase & FacetMembers<FacetLevels>
