import { resolveSecret, type Secret } from '@ringfence/core'
import { type PolicyInput, policyLayers } from '../policy/admit.ts'
import { type Redactor, redactor } from '../redact/index.ts'

/** The secrets of a policy, read once. It holds no value that can be seen: the engine alone finds them by it. */
export interface SecretValues {
  /** Knows all of them. */
  readonly redactor: Redactor
}

/** Kept by the secret itself, so that a value is never placed for another secret of the same name. */
const VALUES = new WeakMap<SecretValues, ReadonlyMap<Secret, string>>()

/** The value of a secret that was read; `undefined` for another one, also of the same name. */
export function secretValue(values: SecretValues, secret: Secret): string | undefined {
  return VALUES.get(values)?.get(secret)
}

/**
 * Reads the secrets of a policy, for whoever redacts by them before a workspace is open: `openWorkspace({ secrets })` takes them over.
 *
 * @param onRead told of each before it is read; what it throws ends the reading.
 * @throws `secret.failed`, `config.invalid`.
 */
export async function readSecrets(policy: PolicyInput | undefined, onRead: (name: string) => Promise<void>): Promise<SecretValues> {
  const read = new Map<Secret, string>()
  for (const { secret } of policyLayers(policy).flatMap((layer) => layer.policy.secrets ?? [])) {
    if (read.has(secret)) continue
    await onRead(secret.name)
    read.set(secret, await resolveSecret(secret))
  }
  const values: SecretValues = Object.freeze({ redactor: redactor([...read].map(([{ name }, value]) => ({ name, value }))) })
  VALUES.set(values, read)
  return values
}
