import type { RequirementContext } from '../suite/requirement.ts'
import { createSandbox, eitherWay, finish, type ProviderSubject } from './subject.ts'

const LEAST_MS = 3000
/** How many creations fit into a lifetime that leaves time for what follows one. */
const CREATIONS = 5

/** A lifetime in milliseconds that is as short as this provider and this machine allow. */
export async function shortLifetime(subject: ProviderSubject, context: RequirementContext): Promise<number> {
  const { clock } = context.runtime
  const begun = clock.monotonic()
  await createSandbox(subject, context)
  return Math.max(LEAST_MS, Math.ceil(CREATIONS * (clock.monotonic() - begun)))
}

/**
 * Waits until this lifetime has run out of all that had it before the call: a sandbox is made with it that nobody prolongs, and
 * a process in it runs until it ends.
 */
export async function outlive(subject: ProviderSubject, context: RequirementContext, lifetimeMs: number): Promise<void> {
  const witness = await createSandbox(subject, context, { lifetimeMs })
  // However it ends: its sandbox is gone then.
  await eitherWay(finish(await witness.spawn(['sleep', '600'])))
}
