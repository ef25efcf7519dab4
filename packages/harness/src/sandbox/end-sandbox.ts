import { isRingfenceError, type Provider, type RuntimeContext, type Sandbox, type SandboxRef, type SandboxState } from '@ringfence/core'
import type { RunAudit } from '../audit/run-audit.ts'

/** A sandbox that this process is not attached to. */
export interface LeftSandbox {
  readonly provider: Provider
  /** The name of its intent. */
  readonly ref: SandboxRef
  /** What the journal says of it. Default: its start was never recorded. */
  readonly state: SandboxState | undefined
  readonly audit: RunAudit
  readonly runtime: RuntimeContext
}

/** It lives at least this long once it is looked at: long enough to be ended. Milliseconds. */
const LIFETIME_MS = 60_000

async function attached(provider: Provider, state: SandboxState, runtime: RuntimeContext): Promise<Sandbox | undefined> {
  const lifetimeMs = Math.min(LIFETIME_MS, provider.resolve().maxLifetimeMs ?? LIFETIME_MS)
  try {
    return await provider.resume(state, { lifetimeMs }, runtime)
  } catch (error) {
    if (isRingfenceError(error, 'sandbox.gone')) return undefined
    throw error
  }
}

/**
 * Ends a sandbox by what is known of it: the one that was recorded, and the one that carries the name of the intent. Nothing inside is
 * asked, so that a broken one ends as well. `not-found`: it has ended by itself, or will with its lifetime.
 *
 * @throws what the provider throws, `audit.failed`.
 */
export async function endSandbox({ provider, ref, state, audit, runtime }: LeftSandbox): Promise<'destroyed' | 'not-found'> {
  const found = await provider.find?.(ref, runtime)
  const states = new Map([state, found].flatMap((one) => (one ? [[one.id, one]] : [])))
  let result: 'destroyed' | 'not-found' = 'not-found'
  for (const one of states.values()) {
    const sandbox = await attached(provider, one, runtime)
    if (!sandbox) continue
    try {
      await audit('sandbox.destroy', 'allowed', { sandboxId: sandbox.info.id })
      await sandbox.destroy()
      result = 'destroyed'
    } finally {
      await sandbox.release()
    }
  }
  return result
}
