import { type ProviderOf, randomId, throwIfAborted } from '@ringfence/core'
import { checkCreate, checkLifetime } from '@ringfence/core/plugin'
import { createSandbox } from './create.ts'
import { isAlive } from './ending.ts'
import { errors } from './errors.ts'
import { ID_PATTERN, idOf, layoutOf } from './layout.ts'
import { prolong } from './lease.ts'
import { type LocalOptions, settingsOf } from './options.ts'
import { type LocalProfile, profile, resolveProfile } from './profile.ts'
import { readIntent, readReady } from './records.ts'
import { attach, stateOf } from './sandbox.ts'
import { findRoot } from './state-root.ts'

/**
 * Sandboxes on this machine, each in a bubblewrap of its own. Linux alone.
 *
 * @throws `config.invalid` for an option that is not known or has a wrong value.
 */
export function local(options: LocalOptions = {}): ProviderOf<LocalProfile> {
  const settings = settingsOf(options)
  const resolve = (): ReturnType<typeof resolveProfile> => resolveProfile(settings.isolation)
  return {
    specificationVersion: 'provider-v1',
    profile,
    resolve,
    async create(request, context) {
      checkCreate(request, resolve(), errors)
      checkPlatform()
      return attach(await createSandbox(settings, request, context), context)
    },
    async resume(state, request, context) {
      const { generation } = state.data
      if (state.provider !== 'local' || !ID_PATTERN.test(state.id) || typeof generation !== 'string')
        throw errors.invalid(
          'sandbox.resume',
          `The state of "${state.id}" is none of this provider`,
          'Resume it with the one that made it.',
        )
      checkLifetime(request.lifetimeMs, resolve(), errors)
      checkPlatform()
      throwIfAborted(request.signal)
      const root = findRoot(settings)
      const layout = layoutOf(root ?? settings.directory, state.id)
      const intent = readIntent(layout)
      const ready = readReady(layout)
      if (!intent || !ready || ready.generation !== generation || !isAlive(layout)) throw errors.gone('sandbox.resume', state.id)
      const holder = randomId(context.random, 'h', 12)
      prolong(layout, holder, request.lifetimeMs)
      return attach({ layout, intent, ready, holder, sets: 0 }, context)
    },
    async find(ref) {
      const root = process.platform === 'linux' ? findRoot(settings) : undefined
      if (root === undefined) return undefined
      const layout = layoutOf(root, idOf(ref))
      const ready = readReady(layout)
      return ready && isAlive(layout) ? stateOf(layout.id, ready.generation) : undefined
    },
  }
}

function checkPlatform(): void {
  if (process.platform === 'linux') return
  throw errors.unavailable(
    'sandbox.create',
    `There is no bubblewrap on "${process.platform}"`,
    'Use another provider, such as @ringfence/provider-docker, or run this on Linux (WSL 2, a virtual machine).',
  )
}
