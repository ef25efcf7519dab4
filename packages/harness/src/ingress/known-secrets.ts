import { resolveSecret } from '@ringfence/core'
import type { PolicyInput, Redactor } from '@ringfence/workspace'
import type { RunAudit } from '../audit/run-audit.ts'

/**
 * A redactor for the secrets of a policy; `undefined` when it names none.
 *
 * @throws `secret.failed`, `config.invalid` for one that is too short, `audit.failed`.
 */
export async function knownSecrets(policy: PolicyInput | undefined, audit: RunAudit): Promise<Redactor | undefined> {
  if (policy === undefined) return undefined
  const uses = 'map' in policy ? policy.flatMap((layer) => layer.policy.secrets ?? []) : (policy.secrets ?? [])
  if (uses.length === 0) return undefined
  const values = uses.map(async ({ secret }) => {
    await audit('secret.resolve', 'allowed', { name: secret.name })
    return { name: secret.name, value: await resolveSecret(secret) }
  })
  const { redactor } = await import('@ringfence/workspace')
  return redactor(await Promise.all(values))
}
