import { parseHost } from '../host/parse-host.ts'
import { DEFAULT_PORT, hostMatches, parsePattern } from '../host/parse-pattern.ts'
import { type Isolation, isolatesAtLeast } from '../provider/v1/isolation.ts'
import type { LimitName } from '../provider/v1/limits.ts'
import type { EgressProfile } from '../provider/v1/profile.ts'
import { DEFAULT_OWNER, effectivePolicy, type PolicyLayer } from './effective-policy.ts'

/** What is about to be done, or was observed. */
export type PolicyFacts =
  | {
      readonly kind: 'sandbox'
      /** Before it is made, or after, from what came. */
      readonly stage: 'declared' | 'observed'
      readonly provider: string
      readonly isolation: Isolation
      readonly egress: EgressProfile
      readonly limits: readonly LimitName[]
    }
  | { readonly kind: 'command'; readonly user: string | undefined }
  | { readonly kind: 'connect'; readonly host: string; readonly port: number }

/** A denial has one shape everywhere: what, which rule, whose rule, how to allow it. */
export type Decision =
  | { readonly allow: true; readonly rule: string; readonly owner: string }
  | {
      readonly allow: false
      readonly rule: string
      readonly owner: string
      /** What is denied and why, as a sentence. */
      readonly what: string
      /** How to allow it. */
      readonly remedy: string
      /** The control is not there at all on this provider: `feature.unsupported` rather than `policy.denied`. */
      readonly unsupported: boolean
    }

const allow = (rule: string, owner: string): Decision => ({ allow: true, rule, owner })
const deny = (rule: string, owner: string, what: string, remedy: string, unsupported = false): Decision => ({
  allow: false,
  rule,
  owner,
  what,
  remedy,
  unsupported,
})

/** Decides. Pure: no I/O, no clock. Layers combine by intersection; what no layer allows is denied. */
export function evaluate(layers: readonly PolicyLayer[], facts: PolicyFacts): Decision {
  switch (facts.kind) {
    case 'sandbox':
      return evaluateSandbox(layers, facts)
    case 'command':
      return evaluateCommand(layers, facts.user)
    case 'connect':
      return evaluateConnect(layers, facts.host, facts.port)
  }
}

function evaluateSandbox(layers: readonly PolicyLayer[], facts: Extract<PolicyFacts, { kind: 'sandbox' }>): Decision {
  const { minimumIsolation, egress, limits } = effectivePolicy(layers)
  const { provider } = facts
  const came = facts.stage === 'observed' ? 'came with' : 'has'
  if (!isolatesAtLeast(facts.isolation, minimumIsolation.value))
    return deny(
      'minimumIsolation',
      minimumIsolation.owner,
      `The isolation "${minimumIsolation.value}" is required, and "${provider}" ${came} "${facts.isolation}"`,
      `Use a provider with isolation "${minimumIsolation.value}" or stronger, or set minimumIsolation to "${facts.isolation}".`,
    )
  if (Array.isArray(egress.value))
    return deny(
      'egress',
      egress.owner,
      `"${provider}" cannot hold the network to a list of hosts`,
      'Set egress to "none", or to "open" when all that it exposes may be reached.',
      true,
    )
  if (egress.value === 'none' && facts.egress.tier === 'none')
    return deny(
      'egress',
      egress.owner,
      `The network must be closed, and "${provider}" cannot close it`,
      'Use a provider that can close the network, or set egress to "open".',
      true,
    )
  if (egress.value === 'open' && facts.egress.open === false)
    return deny(
      'egress',
      egress.owner,
      `"${provider}" has no network to open`,
      'Set egress to "none", or use a provider with a network.',
      true,
    )
  for (const limit of limits) {
    if (!facts.limits.includes(limit.name))
      return deny(
        `limits.${limit.name}`,
        limit.owner,
        `The limit "${limit.name}" is required, and "${provider}" does not enforce it`,
        facts.limits.length > 0
          ? `It enforces ${facts.limits.join(', ')}. Leave the others out, or use another provider.`
          : 'Use another provider.',
        true,
      )
  }
  return allow('sandbox', minimumIsolation.owner)
}

function evaluateCommand(layers: readonly PolicyLayer[], user: string | undefined): Decision {
  const { users } = effectivePolicy(layers)
  if (user === undefined || users.value.includes(user)) return allow('users', users.owner)
  return deny('users', users.owner, `Commands may not run as the user "${user}"`, `Add "${user}" to policy.users.`)
}

function evaluateConnect(layers: readonly PolicyLayer[], host: string, port: number): Decision {
  const canonical = parseHost(host)
  const name = canonical.kind === 'ipv6' ? `[${canonical.text}]` : canonical.text
  const what = `The connection to "${name}:${port}" is not allowed`
  const remedy = `Add "${port === DEFAULT_PORT ? name : `${name}:${port}`}" to policy.egress.`
  for (const { owner, policy } of layers) {
    const egress = policy.egress ?? 'none'
    if (egress === 'open') continue
    const patterns = Array.isArray(egress) ? egress.map(parsePattern) : []
    if (!patterns.some((pattern) => hostMatches(pattern, canonical, port))) return deny('egress', owner, what, remedy)
  }
  const first = layers[0]
  if (!first) return deny('egress', DEFAULT_OWNER, what, remedy)
  return allow('egress', first.owner)
}
