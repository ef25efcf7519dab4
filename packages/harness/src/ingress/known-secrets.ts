import type { PolicyInput, SecretValues } from '@ringfence/workspace'
import type { RunAudit } from '../audit/run-audit.ts'

/**
 * The secrets of a policy, read once for the run and for its sandbox; `undefined` when it names none.
 *
 * @throws `secret.failed`, `config.invalid` for one that is too short, `audit.failed`.
 */
export async function knownSecrets(policy: PolicyInput | undefined, audit: RunAudit): Promise<SecretValues | undefined> {
  const layers = policy === undefined || 'map' in policy ? policy : [{ policy }]
  if (!layers?.some((layer) => layer.policy.secrets?.length)) return undefined
  const { readSecrets } = await import('@ringfence/workspace')
  return readSecrets(policy, (name) => audit('secret.resolve', 'allowed', { name }))
}
