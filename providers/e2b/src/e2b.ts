import type { ProviderOf, RuntimeContext } from '@ringfence/core'
import { throwIfAborted } from '@ringfence/core'
import { checkCreate, checkLifetime, checkNativeSnapshot } from '@ringfence/core/plugin'
import { openClient } from './client.ts'
import { type Control, controlOf, type Paused } from './control.ts'
import { createSandbox } from './create.ts'
import { errors } from './errors.ts'
import { linkOf } from './link.ts'
import { installationOf, intentOf, isOurs } from './metadata.ts'
import { type E2bOptions, settingsOf } from './options.ts'
import { type E2bProfile, profile } from './profile.ts'
import { attach, stateOf } from './sandbox.ts'
import { deleteSnapshot } from './snapshot.ts'

const ID = /^[A-Za-z0-9-]{1,100}$/

/**
 * Sandboxes of E2B: microVMs in the vendor's cloud.
 *
 * @throws `config.invalid` for an option that is not known or has a wrong value.
 */
export function e2b(options: E2bOptions = {}): ProviderOf<E2bProfile> {
  const settings = settingsOf(options)
  const paused: Paused = new Map()
  let isSwept = false
  const open = (operation: string, context: RuntimeContext) => openClient(settings, operation, context)
  return {
    specificationVersion: 'provider-v1',
    profile,
    resolve: () => profile,
    async create(request, context) {
      checkCreate(request, profile, errors)
      throwIfAborted(request.signal)
      const client = await open('sandbox.create', context)
      const control = controlOf(client)
      // What could not be swept is swept by the next creation: it does not concern this one.
      const sweeping = sweep(control, paused, context.clock.now(), isSwept ? undefined : request.ref.installation).then(
        () => {
          isSwept = true
        },
        // The next creation tries again.
        () => undefined,
      )
      try {
        return await createSandbox(client, paused, request)
      } finally {
        await sweeping
      }
    },
    async resume(state, { lifetimeMs, signal }, context) {
      const operation = 'sandbox.resume'
      const { id } = state
      if (state.provider !== 'e2b' || !ID.test(id))
        throw errors.invalid(operation, `The state of "${id}" is none of this provider`, 'Resume it with the one that made it.')
      checkLifetime(lifetimeMs, profile, errors)
      throwIfAborted(signal)
      const client = await open(operation, context)
      const control = controlOf(client)
      const info = await control.info(operation, id, signal)
      if (!isOurs(info.metadata)) throw errors.gone(operation, id)
      if (info.state === 'paused' && isOver(paused, id, info.endAt, context.clock.now())) {
        await control.kill(operation, id)
        throw errors.gone(operation, id)
      }
      const link = linkOf(client, await control.connect(operation, id, lifetimeMs, signal))
      paused.delete(id)
      return attach(link, { control, paused, lifetimeMs, isCopy: false })
    },
    async find(ref, context) {
      const operation = 'sandbox.find'
      const found = await controlOf(await open(operation, context)).list(operation, intentOf(ref))
      const now = context.clock.now()
      const first = found.find(({ sandboxId, state, endAt }) => state !== 'paused' || !isOver(paused, sandboxId, endAt, now))
      return first && stateOf(first.sandboxId)
    },
    async deleteSnapshot(snapshot, context) {
      checkNativeSnapshot('snapshot.delete', snapshot, profile, errors)
      await deleteSnapshot(controlOf(await open('snapshot.delete', context)), snapshot)
    },
  }
}

/**
 * Whether the life of a paused sandbox is over: the vendor counts none while it is paused. When another process paused it, its end
 * is not known here; then it is over at the latest when the longest lifetime has gone by since the pause.
 */
function isOver(paused: Paused, id: string, pausedAt: Date, now: number): boolean {
  return now > (paused.get(id) ?? pausedAt.getTime() + profile.maxLifetimeMs)
}

/** Ends what is paused and over: what this process has paused, and once, what others of its installation have left. */
async function sweep(control: Control, paused: Paused, now: number, installation: string | undefined): Promise<void> {
  const operation = 'sandbox.create'
  const own = [...paused].filter(([, until]) => now > until).map(([id]) => id)
  const left = installation === undefined ? [] : await control.list(operation, installationOf(installation), true)
  const others = left.filter(({ sandboxId, endAt }) => isOver(paused, sandboxId, endAt, now)).map(({ sandboxId }) => sandboxId)
  for (const id of new Set([...own, ...others])) {
    // It may be gone meanwhile, or another process may have let it go on.
    const info = await control.info(operation, id).catch(() => undefined)
    if (info?.state === 'paused') await control.kill(operation, id)
    paused.delete(id)
  }
}
