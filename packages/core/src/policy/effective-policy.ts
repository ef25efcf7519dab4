import { parsePattern, patternContains } from '../host/parse-pattern.ts'
import { type Isolation, isolatesAtLeast } from '../provider/v1/isolation.ts'
import { LIMIT_NAMES, type LimitName, type Limits } from '../provider/v1/limits.ts'
import type { Policy } from './policy.ts'

/** A policy and whose it is: of the app, of the organisation, of a tenant. */
export interface PolicyLayer {
  readonly owner: string
  readonly policy: Policy
}

interface Owned<T> {
  readonly value: T
  readonly owner: string
}

/** What all layers together allow, each rule with the owner that decides it. */
export interface EffectivePolicy {
  readonly minimumIsolation: Owned<Isolation>
  readonly egress: Owned<'none' | 'open' | readonly string[]>
  readonly limits: readonly (Owned<number> & { readonly name: LimitName })[]
  readonly users: Owned<readonly string[]>
}

/** Whose a rule is when no layer speaks of it. */
export const DEFAULT_OWNER = 'default'
const DEFAULT_ISOLATION: Isolation = 'process'

function strictestIsolation(layers: readonly PolicyLayer[]): Owned<Isolation> {
  let strictest: Owned<Isolation> | undefined
  for (const { owner, policy } of layers) {
    // A layer without a word wants a process; `none` is had only where every layer says so by name.
    const value = policy.minimumIsolation ?? DEFAULT_ISOLATION
    if (!strictest || !isolatesAtLeast(strictest.value, value)) strictest = { value, owner }
  }
  return strictest ?? { value: DEFAULT_ISOLATION, owner: DEFAULT_OWNER }
}

type Egress = 'none' | 'open' | readonly string[]

/** The patterns of either list that the other one contains as a whole: no more than both allow. */
function commonHosts(first: readonly string[], second: readonly string[]): readonly string[] {
  const [a, b] = [first.map(parsePattern), second.map(parsePattern)]
  const common = [
    ...a.filter((one) => b.some((other) => patternContains(other, one))),
    ...b.filter((one) => a.some((other) => patternContains(other, one))),
  ]
  return [...new Set(common.map(({ text }) => text))]
}

function commonEgress(a: Egress, b: Egress): Egress {
  if (a === 'none' || b === 'none') return 'none'
  if (a === 'open') return b
  return b === 'open' ? a : commonHosts(a, b)
}

function narrowestEgress(layers: readonly PolicyLayer[]): EffectivePolicy['egress'] {
  let narrowest: EffectivePolicy['egress'] | undefined
  for (const { owner, policy } of layers) {
    const given = policy.egress ?? 'none'
    const common = narrowest ? commonEgress(narrowest.value, given) : given
    const value = common.length === 0 ? 'none' : common
    if (value === 'none') return { value, owner }
    // The rule is of whoever made it narrower last.
    const asBefore = narrowest !== undefined && String(value) === String(narrowest.value)
    narrowest = { value, owner: asBefore && narrowest ? narrowest.owner : owner }
  }
  return narrowest ?? { value: 'none', owner: DEFAULT_OWNER }
}

function allowedUsers(layers: readonly PolicyLayer[]): EffectivePolicy['users'] {
  let allowed: EffectivePolicy['users'] | undefined
  for (const { owner, policy } of layers) {
    const named = policy.users ?? []
    const value: readonly string[] = allowed ? allowed.value.filter((user) => named.includes(user)) : named
    if (!allowed || value.length < allowed.value.length) allowed = { value, owner }
  }
  return allowed ?? { value: [], owner: DEFAULT_OWNER }
}

function smallestLimits(layers: readonly PolicyLayer[]): EffectivePolicy['limits'] {
  return LIMIT_NAMES.flatMap((name) => {
    const stated = layers.flatMap(({ owner, policy }) => {
      const value = policy.limits?.[name]
      return value === undefined ? [] : [{ name, value, owner }]
    })
    return stated.length === 0 ? [] : [stated.reduce((least, one) => (one.value < least.value ? one : least))]
  })
}

/** Combines layers by intersection. Without any layer: isolation `process`, egress `none`, no other user. */
export function effectivePolicy(layers: readonly PolicyLayer[]): EffectivePolicy {
  return {
    minimumIsolation: strictestIsolation(layers),
    egress: narrowestEgress(layers),
    limits: smallestLimits(layers),
    users: allowedUsers(layers),
  }
}

/** The limits of a policy as a provider takes them. */
export function limitsOf(policy: EffectivePolicy): Limits {
  return Object.fromEntries(policy.limits.map(({ name, value }) => [name, value]))
}
