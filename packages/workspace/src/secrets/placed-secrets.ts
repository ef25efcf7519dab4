import { normalizePath, type PolicyLayer, type Profile, RingfenceError, type SecretUse } from '@ringfence/core'
import { type SecretValues, secretValue } from './secret-values.ts'

/** The secrets of a policy with their values. It never leaves the engine. */
export interface PlacedSecrets {
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

/** Puts values into the slots of a policy. Throws `config.invalid` for a secret that was not read. */
export function placeSecrets(layers: readonly PolicyLayer[], values: SecretValues): PlacedSecrets {
  const env: Record<string, string> = {}
  const files: Record<string, string> = {}
  for (const { secret, sandbox } of secretUses(layers)) {
    const value = secretValue(values, secret)
    if (value === undefined)
      throw new RingfenceError('config.invalid', `The secret "${secret.name}" is not among \`secrets\``, {
        hint: 'Read them from the same policy, or leave `secrets` out.',
        effect: 'none',
      })
    if (sandbox && 'env' in sandbox) env[sandbox.env] = value
    if (sandbox && 'file' in sandbox) files[normalizePath(sandbox.file)] = value
  }
  return { env, files }
}
