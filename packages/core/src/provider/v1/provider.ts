import type { RuntimeContext } from '../../runtime/runtime-context.ts'
import type { Isolation } from './isolation.ts'
import type { Limits } from './limits.ts'
import type { NativeSnapshot } from './native-snapshot.ts'
import type { Profile } from './profile.ts'
import type { Sandbox, SandboxOf, SandboxState } from './sandbox.ts'

/** The name of an intent: who wanted a sandbox, and which. All parts are path-safe and at most 64 characters. */
export interface SandboxRef {
  readonly installation: string
  readonly runId: string
  readonly intentId: string
}

/** What a long creation is at. */
export interface CreateProgress {
  /** `pulling` an image or a template, `building` it. */
  readonly stage: 'pulling' | 'building'
  /** In words, as the provider says it: untrusted text. */
  readonly message: string
  /** How much is done, 0 to 1, where that is known. */
  readonly fraction?: number | undefined
}

export interface CreateRequest {
  /** Written where `find` can see it. Creating one intent twice at once may give two handles, never two sandboxes. */
  readonly ref: SandboxRef
  readonly isolation: Isolation
  readonly egress: 'none' | 'open'
  readonly limits: Limits
  /** The sandbox ends by itself after this many milliseconds, unless it is prolonged. */
  readonly lifetimeMs: number
  /** Begins with the files of a native snapshot; only where `facets.snapshot` is not `never`. */
  readonly from?: NativeSnapshot | undefined
  /** Told of what takes long. What it throws is the caller's fault and ends the creation. */
  readonly onProgress?: ((progress: CreateProgress) => void) | undefined
  /** Aborts the creation; nothing is left. */
  readonly signal?: AbortSignal | undefined
}

export interface ResumeRequest {
  /** As in {@link CreateRequest}, from now on. */
  readonly lifetimeMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Where sandboxes come from. `create`, and `spawn`, `release`, `destroy` of what it gives, are all that a provider has to do: the
 * engine adds every portable behaviour on top. Making one does no I/O.
 */
export interface ProviderBase<P extends Profile, S extends SandboxOf<P>> {
  readonly specificationVersion: 'provider-v1'
  /** The ceiling of all options. */
  readonly profile: P
  /** What the options of this provider give. Pure: no I/O. */
  resolve(): Profile
  /**
   * Makes a sandbox, or throws and leaves nothing.
   *
   * @throws `config.invalid`, `feature.unsupported` (both before anything is made), `snapshot.not-found` (of `from`),
   *   `sandbox.unavailable`, `sandbox.start-failed`, `auth.missing`, `auth.denied`, `provider.failed`.
   */
  create(request: CreateRequest, context: RuntimeContext): Promise<S>
  /**
   * Attaches to a sandbox that is there already, also from another process.
   *
   * @throws `sandbox.gone` when it has ended or was replaced: it is never built anew.
   */
  resume(state: SandboxState, request: ResumeRequest, context: RuntimeContext): Promise<S>
  /** The sandbox of an intent, or `undefined`. There unless `profile.find` is `none`. */
  readonly find?: ((ref: SandboxRef, context: RuntimeContext) => Promise<SandboxState | undefined>) | undefined
  /**
   * Gives up a native snapshot; one that is not there is no error. Sandboxes that were made from it go on. There unless
   * `facets.snapshot` is `never`.
   *
   * @throws `config.invalid` for one of another provider, `provider.failed`, `auth.*`.
   */
  readonly deleteSnapshot?: ((snapshot: NativeSnapshot, context: RuntimeContext) => Promise<void>) | undefined
}

/** The provider that a profile promises. */
export type ProviderOf<P extends Profile> = ProviderBase<P, SandboxOf<P>>

/** A provider of any kind. */
export type Provider = ProviderBase<Profile, Sandbox>
