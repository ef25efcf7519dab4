import {
  type CreateProgress,
  effectivePolicy,
  limitsOf,
  type NativeSnapshot,
  type PolicyLayer,
  type Profile,
  type Provider,
  RingfenceError,
  type RuntimeContext,
  type Sandbox,
  type SandboxRef,
  type SandboxState,
} from '@ringfence/core'
import { admit, sandboxFacts } from '../policy/admit.ts'
import type { Audit } from './audit.ts'

export interface StartRequest {
  readonly provider: Provider
  readonly layers: readonly PolicyLayer[]
  readonly leaseMs: number
  readonly audit: Audit
  readonly runtime: RuntimeContext
  readonly onProgress?: ((progress: CreateProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What can be known before anything is made: the contract's version, and whether the policy can be held. */
export function checkProvider(provider: Provider, layers: readonly PolicyLayer[]): void {
  if (provider.specificationVersion !== 'provider-v1')
    throw new RingfenceError(
      'spec.version-unsupported',
      `The provider speaks "${String(provider.specificationVersion)}"; this release understands "provider-v1"`,
      {
        hint: 'Install matching versions of the provider and of Ringfence.',
        effect: 'none',
      },
    )
  admit(layers, sandboxFacts(provider.resolve(), 'declared'), 'sandbox.create')
}

/** Holds the policy against what really came. What does not fit is ended before anything goes in. */
async function admitObserved(sandbox: Sandbox, request: StartRequest, end: () => Promise<void>): Promise<Sandbox> {
  try {
    admit(request.layers, sandboxFacts(sandbox.profile, 'observed'), 'sandbox.create')
    return sandbox
  } catch (error) {
    await endAfter(error, end)
    throw error
  }
}

/** Ends something after a failure; when that fails as well, the first error stays the one that is told. */
export async function endAfter(error: unknown, end: () => Promise<void>): Promise<void> {
  try {
    await end()
  } catch (second) {
    if (error instanceof Error && error.cause === undefined) error.cause = second
  }
}

/** Where a sandbox cannot be prolonged, it gets this long from the first, in milliseconds. */
const HARD_LIFETIME_MS = 3_600_000

/** The lease, where it can be prolonged; else a hard lifetime, so that what is left of a dead harness ends all the same. */
function firstLifetime({ facets, maxLifetimeMs }: Profile, leaseMs: number): number {
  const wanted = facets.lifetime === 'never' ? Math.max(leaseMs, HARD_LIFETIME_MS) : leaseMs
  return maxLifetimeMs === null ? wanted : Math.min(wanted, maxLifetimeMs)
}

export async function createSandbox(request: StartRequest, ref: SandboxRef, from?: NativeSnapshot): Promise<Sandbox> {
  const { provider, layers, leaseMs, audit, runtime, onProgress, signal } = request
  const policy = effectivePolicy(layers)
  const egress = policy.egress.value === 'open' ? 'open' : 'none'
  await audit('sandbox.create', 'allowed', { provider: provider.profile.name, isolation: policy.minimumIsolation.value, egress })
  const sandbox = await provider.create(
    {
      ref,
      isolation: policy.minimumIsolation.value,
      egress,
      limits: limitsOf(policy),
      lifetimeMs: firstLifetime(provider.resolve(), leaseMs),
      from,
      onProgress,
      signal,
    },
    runtime,
  )
  return admitObserved(sandbox, request, () => sandbox.destroy())
}

/** Attaches to a sandbox that is there. One that no longer fits the policy is released, never destroyed: it is not ours alone. */
export async function resumeSandbox(request: StartRequest, state: SandboxState): Promise<Sandbox> {
  const { provider, leaseMs, runtime, signal } = request
  const lifetimeMs = firstLifetime(provider.resolve(), leaseMs)
  if (state.provider !== provider.profile.name)
    throw new RingfenceError(
      'config.invalid',
      `The state is of a sandbox of "${state.provider}", and the provider is "${provider.profile.name}"`,
      {
        hint: 'Resume with the provider that made it.',
        effect: 'none',
      },
    )
  const sandbox = await provider.resume(state, { lifetimeMs, signal }, runtime)
  return admitObserved(sandbox, request, () => sandbox.release())
}
