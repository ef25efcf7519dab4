import { type NativeSnapshot, type Provider, RingfenceError, type RuntimeContext, systemRuntime } from '@ringfence/core'

/**
 * Gives up a native snapshot. One that is not there is no error; sandboxes that were made from it go on.
 *
 * @throws `feature.unsupported`, `config.invalid` (it is another provider's), `provider.failed`, `auth.*`.
 */
export async function deleteSnapshot(provider: Provider, snapshot: NativeSnapshot, runtime: RuntimeContext = systemRuntime): Promise<void> {
  if (provider.deleteSnapshot) return provider.deleteSnapshot(snapshot, runtime)
  throw new RingfenceError('feature.unsupported', `"${provider.profile.name}" makes no snapshots of its own`, {
    hint: 'Snapshots of a store are removed from the store.',
    effect: 'none',
  })
}
