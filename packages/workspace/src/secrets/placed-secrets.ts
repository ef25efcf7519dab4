import { normalizePath, type PolicyLayer, type Profile, RingfenceError, resolveSecret, type SecretUse } from '@ringfence/core'

/** The secrets of a policy with their values. It never leaves the engine. */
export interface PlacedSecrets {
  /** Every value, for redaction. */
  readonly values: readonly { readonly name: string; readonly value: string }[]
  /** Variables of commands. */
  readonly env: Readonly<Record<string, string>>
  /** Files of the workspace, by normalized path. */
  readonly files: Readonly<Record<string, string>>
}

function secretUses(layers: readonly PolicyLayer[]): readonly SecretUse[] {
  return layers.flatMap(({ policy }) => policy.secrets ?? []).map((use) => ({ secret: use.secret, sandbox: use.sandbox }))
}

/** The slots of a policy, without any value: what they need is refused before anything is made. */
export function checkSecretSlots(layers: readonly PolicyLayer[], profile: Profile): void {
  const slots = new Set<string>()
  for (const { sandbox } of secretUses(layers)) {
    if (!sandbox) continue
    const slot = 'env' in sandbox ? `env:${sandbox.env}` : `file:${normalizePath(sandbox.file)}`
    if (slots.has(slot))
      throw new RingfenceError('config.invalid', `Two secrets go into "${slot}"`, { hint: 'Keep one of them.', effect: 'none' })
    slots.add(slot)
    if ('env' in sandbox && profile.wire.stdin === 'none')
      throw new RingfenceError(
        'feature.unsupported',
        `The secret for "${slot}" cannot be brought in unseen: "${profile.name}" has no stdin`,
        {
          hint: 'Place it as a file, or use a provider with a live stdin.',
          effect: 'none',
        },
      )
  }
}

/** Reads the values of all secrets of a policy. Throws `secret.failed`, `config.invalid`. */
export async function resolveSecrets(layers: readonly PolicyLayer[], onResolve: (name: string) => Promise<void>): Promise<PlacedSecrets> {
  const values = new Map<string, string>()
  const env: Record<string, string> = {}
  const files: Record<string, string> = {}
  for (const { secret, sandbox } of secretUses(layers)) {
    let value = values.get(secret.name)
    if (value === undefined) {
      await onResolve(secret.name)
      value = await resolveSecret(secret)
      values.set(secret.name, value)
    }
    if (sandbox && 'env' in sandbox) env[sandbox.env] = value
    if (sandbox && 'file' in sandbox) files[normalizePath(sandbox.file)] = value
  }
  return { values: [...values].map(([name, value]) => ({ name, value })), env, files }
}
