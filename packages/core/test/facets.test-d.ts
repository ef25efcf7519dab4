/*
 * Checked by tsc alone: each `@ts-expect-error` is a mistake that must not compile. What a profile declares and what
 * the members are cannot differ.
 */
import type { LifetimeFacet, Profile, Provider, ProviderOf, PtyFacet, Sandbox, SandboxBase, SandboxOf } from '@ringfence/core'

const common = {
  wire: {
    output: 'bytes',
    delivery: 'live',
    stdin: 'live',
    kill: 'group',
    user: true,
    start: 'once',
    maxArgvBytes: 100_000,
    pids: 'shared',
    openChannel: 'free',
  },
  isolation: 'process',
  egress: { tier: 'block', enforcedBy: 'network namespace', open: false },
  limits: ['memoryBytes'],
  user: 'root',
  find: 'none',
  maxLifetimeMs: null,
  persistence: 'none',
  coldStart: { ms: 1, source: 'a test', date: '2026-01-01' },
} as const

const none = { lifetime: 'never', pty: 'never', snapshot: 'never', suspend: 'never' } as const

const withAll = { ...common, name: 'all', facets: { ...none, lifetime: 'always', pty: 'always' } } as const satisfies Profile
const withSome = { ...common, name: 'some', facets: { ...none, lifetime: 'varies' } } as const satisfies Profile

declare const base: SandboxBase
declare const lifetime: LifetimeFacet
declare const pty: PtyFacet

export const whole: SandboxOf<typeof withAll> = { ...base, lifetime, pty }
export const varying: readonly SandboxOf<typeof withSome>[] = [base, { ...base, lifetime }, { ...base, lifetime: undefined }]

// @ts-expect-error: `pty` is declared as always there, and is missing.
export const missing: SandboxOf<typeof withAll> = { ...base, lifetime }

// @ts-expect-error: `pty` is declared as always there, and may be undefined.
export const maybe: SandboxOf<typeof withAll> = { ...base, lifetime, pty: undefined }

// @ts-expect-error: `pty` is declared as never there, and is.
export const undeclared: SandboxOf<typeof withSome> = { ...base, pty }

export async function use(all: SandboxOf<typeof withAll>, some: SandboxOf<typeof withSome>, any: Sandbox): Promise<void> {
  const size = { columns: 80, rows: 24 }
  await all.pty.open(['sh'], { size })
  await all.lifetime.extend(1_000)
  await some.lifetime?.extend(1_000)
  await any.pty?.open(['sh'], { size })

  // @ts-expect-error: it varies, so that it must be asked for.
  await some.lifetime.extend(1_000)

  // @ts-expect-error: it is never there.
  await some.pty.open(['sh'], { size })

  // @ts-expect-error: it is never there, also when it is asked for.
  await some.pty?.open(['sh'], { size })

  // @ts-expect-error: of any provider, each may be missing.
  await any.pty.open(['sh'], { size })
}

declare const specific: ProviderOf<typeof withAll>
/** A provider with a profile of its own is a provider. */
export const general: Provider = specific

declare const make: Pick<ProviderOf<typeof withAll>, 'specificationVersion' | 'resolve' | 'resume'>

export const complete: ProviderOf<typeof withAll> = { ...make, profile: withAll, create: async () => whole }

// @ts-expect-error: what it creates lacks what the profile declares.
export const lacking: ProviderOf<typeof withAll> = { ...make, profile: withAll, create: async () => ({ ...base, lifetime }) }

// @ts-expect-error: `sometimes` is no level.
export const wrongLevel = { ...common, name: 'wrong', facets: { ...none, lifetime: 'sometimes' } } as const satisfies Profile

// @ts-expect-error: a profile says of every facet whether it is there.
export const silentAboutPty = { ...common, name: 'wrong', facets: { lifetime: 'always' } } as const satisfies Profile
