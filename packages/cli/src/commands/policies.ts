import { evaluate, type Isolation, LIMIT_NAMES, type Policy, type Profile } from '@ringfence/core'

/** One policy a control, by the name that a policy has for it. */
const CONTROLS: readonly (readonly [name: string, policy: Policy])[] = [
  ['egress "none"', { egress: 'none' }],
  ['egress "open"', { egress: 'open' }],
  ['egress to a list of hosts', { egress: ['example.com'] }],
  ...LIMIT_NAMES.map((name) => [`limits.${name}`, { limits: { [name]: 1 } }] as const),
]

export interface Policies {
  readonly can: readonly string[]
  readonly cannot: readonly string[]
}

/** What of a policy can be held with a provider: the engine itself is asked, which decides at each start. */
export function policiesOf({ name, egress, limits }: Profile, isolation: Isolation): Policies {
  // Where the network cannot be closed, other controls are asked for with an open one.
  const base: Policy = { minimumIsolation: isolation, egress: egress.tier === 'none' ? 'open' : 'none' }
  const allows = (policy: Policy): boolean =>
    evaluate([{ owner: 'app', policy: { ...base, ...policy } }], {
      kind: 'sandbox',
      stage: 'declared',
      provider: name,
      isolation,
      egress,
      limits,
    }).allow
  const names = (wanted: boolean): string[] => CONTROLS.flatMap(([control, policy]) => (allows(policy) === wanted ? [control] : []))
  return { can: [`minimumIsolation up to "${isolation}"`, ...names(true)], cannot: names(false) }
}
