import type { LifetimeFacet } from './lifetime.ts'
import type { SnapshotFacet } from './native-snapshot.ts'
import type { PtyFacet } from './pty.ts'
import type { SuspendFacet } from './suspend.ts'

/** The optional parts of a sandbox. Each key is also the name of the member that carries it. */
export interface Facets {
  readonly lifetime: LifetimeFacet
  readonly pty: PtyFacet
  readonly snapshot: SnapshotFacet
  readonly suspend: SuspendFacet
}

export type FacetName = keyof Facets

export const FACET_NAMES: readonly FacetName[] = ['lifetime', 'pty', 'snapshot', 'suspend']

/** `always` there, there by `varies` options or sandboxes, or `never`. */
export type FacetLevel = 'always' | 'varies' | 'never'

export type FacetLevels = { readonly [Name in FacetName]: FacetLevel }

/** The members that a profile promises: a declared facet that is missing is a compile error. */
export type FacetMembers<Levels extends FacetLevels> = {
  readonly [Name in FacetName as Levels[Name] extends 'always' ? Name : never]: Facets[Name]
} & {
  readonly [Name in FacetName as Levels[Name] extends 'always' ? never : Name]?: Levels[Name] extends 'never'
    ? undefined
    : Facets[Name] | undefined
}
