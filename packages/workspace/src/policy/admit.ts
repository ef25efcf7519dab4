import {
  type Decision,
  evaluate,
  type Policy,
  type PolicyFacts,
  type PolicyLayer,
  type Profile,
  parsePolicy,
  RingfenceError,
} from '@ringfence/core'

/** One policy, or the layers of several owners, which combine by intersection. */
export type PolicyInput = Policy | readonly PolicyLayer[]

const isLayers = (policy: PolicyInput): policy is readonly PolicyLayer[] => Array.isArray(policy)

/** The layers of a policy, each checked. Throws `config.invalid`. */
export function policyLayers(policy: PolicyInput | undefined): readonly PolicyLayer[] {
  if (policy === undefined) return []
  if (!isLayers(policy)) return [{ owner: 'app', policy: parsePolicy(policy) }]
  return policy.map((layer) => ({ owner: layer.owner, policy: parsePolicy(layer.policy) }))
}

/** The one shape of a denial as an error. */
function denial(decision: Extract<Decision, { allow: false }>, operation: string): RingfenceError {
  const { rule, owner, what, remedy, unsupported } = decision
  return new RingfenceError(unsupported ? 'feature.unsupported' : 'policy.denied', `${what} (rule "${rule}" of "${owner}")`, {
    hint: remedy,
    details: { rule, owner, remedy },
    operation,
    effect: 'none',
  })
}

/** Lets the facts pass, or throws `policy.denied` or `feature.unsupported`. */
export function admit(layers: readonly PolicyLayer[], facts: PolicyFacts, operation: string): void {
  const decision = evaluate(layers, facts)
  if (!decision.allow) throw denial(decision, operation)
}

/** The facts of a sandbox, as its provider declares them, or as they were observed. */
export function sandboxFacts(profile: Profile, stage: 'declared' | 'observed'): PolicyFacts {
  const { name, isolation, egress, limits } = profile
  return { kind: 'sandbox', stage, provider: name, isolation, egress, limits }
}
