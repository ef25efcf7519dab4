import type { FacetLevels } from './facets.ts'
import type { Isolation } from './isolation.ts'
import type { LimitName } from './limits.ts'
import type { Wire } from './wire.ts'

/** What a provider can do about the network of a sandbox. */
export interface EgressProfile {
  /** `none`: nothing can be restricted. `block`: all or nothing. */
  readonly tier: 'none' | 'block'
  /** What enforces it, in words: `network namespace`. */
  readonly enforcedBy: string
  /** What of the host an open network exposes, in words; `false` where it cannot be opened. */
  readonly open: string | false
}

/**
 * What a provider is, as plain data: written with literals only, so that tables can be generated and features be
 * checked before anything is made. The static profile is a ceiling; what options or a sandbox really give is equal or
 * lower.
 */
export interface Profile {
  /** The id of the provider, as in `@ringfence/provider-<name>`. */
  readonly name: string
  readonly facets: FacetLevels
  readonly wire: Wire
  readonly isolation: Isolation
  readonly egress: EgressProfile
  /** The limits that are enforced; naming another is refused. */
  readonly limits: readonly LimitName[]
  /** Who the commands run as when nobody is named. */
  readonly user: 'root' | 'non-root'
  /** How `find` knows a sandbox by its reference. `none`: there is no `find`. */
  readonly find: 'name' | 'label' | 'none'
  /** The longest lifetime that may be asked for, in milliseconds; `null` without a bound. */
  readonly maxLifetimeMs: number | null
  /** What of a sandbox a restart of its host leaves. */
  readonly persistence: 'none' | 'files'
  /** The time to a first command, as claimed or measured. */
  readonly coldStart: { readonly ms: number; readonly source: string; readonly date: string }
}
