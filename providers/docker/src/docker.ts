import type { CreateRequest, Profile, ProviderOf, RuntimeContext, SandboxOf } from '@ringfence/core'
import { checkCreate, checkLifetime, checkNativeSnapshot } from '@ringfence/core/plugin'
import type { ContainerInspectInfo } from 'dockerode'
import { inspectContainer, isRunning, labelOf, removeContainer } from './container.ts'
import { createContainer } from './create.ts'
import { ask, type Engine, openClient } from './engine.ts'
import { errors } from './errors.ts'
import { imageOf } from './image.ts'
import { isOver } from './lease.ts'
import { type DockerOptions, settingsOf } from './options.ts'
import { type DockerProfile, profile, resolveProfile } from './profile.ts'
import { attach, stateOf } from './sandbox.ts'
import { sharing } from './share.ts'
import { deleteSnapshot } from './snapshot.ts'
import { LABELS, nameOf } from './spec.ts'
import { sweep } from './sweep.ts'

const ID = /^[0-9a-f]{12,64}$/
/** That of Docker 20.10. */
const LEAST_API = [1, 41] as const

/**
 * Sandboxes in containers of a Docker engine, here or on another machine, over its API.
 *
 * @throws `config.invalid` for an option that is not known or has a wrong value.
 */
export function docker(options: DockerOptions = {}): ProviderOf<DockerProfile> {
  const settings = settingsOf(options)
  const resolve = (): Profile => resolveProfile(settings)
  const share = sharing<void>()
  let opening: Promise<Omit<Engine, 'context'>> | undefined
  const open = async (operation: string, context: RuntimeContext): Promise<Engine> => {
    opening ??= openChecked(operation, context).catch((error) => {
      opening = undefined
      throw error
    })
    return { ...(await opening), context }
  }
  const openChecked = async (operation: string, context: RuntimeContext): Promise<Omit<Engine, 'context'>> => {
    const opened = await openClient(settings.endpoint)
    await checkVersion({ ...opened, context }, operation)
    return opened
  }
  /** Attaches to a container that is there: it lives on, and goes on where it is paused. */
  const takeUp = async (engine: Engine, inspected: ContainerInspectInfo, lifetimeMs: number): Promise<SandboxOf<DockerProfile>> => {
    const sandbox = attach(engine, inspected, resolve())
    await sandbox.lifetime.extend(lifetimeMs)
    if (inspected.State.Paused) await sandbox.suspend.resume()
    return sandbox
  }
  const create = async (engine: Engine, request: CreateRequest): Promise<SandboxOf<DockerProfile>> =>
    createContainer({
      engine,
      settings,
      request,
      image: await imageOf(engine, share, settings, request),
      attach: (inspected) => attach(engine, inspected, resolve()),
      takeUp: (inspected) => takeUp(engine, inspected, request.lifetimeMs),
    })
  return {
    specificationVersion: 'provider-v1',
    profile,
    resolve,
    async create(request, context) {
      checkCreate(request, resolve(), errors)
      request.signal?.throwIfAborted()
      const engine = await open('sandbox.create', context)
      // What could not be swept is swept by the next creation: it does not concern this one.
      const sweeping = sweep(engine, request).catch(() => undefined)
      try {
        return await create(engine, request)
      } finally {
        await sweeping
      }
    },
    async resume(state, { lifetimeMs, signal }, context) {
      const operation = 'sandbox.resume'
      if (state.provider !== 'docker' || !ID.test(state.id))
        throw errors.invalid(operation, `The state of "${state.id}" is none of this provider`, 'Resume it with the one that made it.')
      checkLifetime(lifetimeMs, resolve(), errors)
      signal?.throwIfAborted()
      const engine = await open(operation, context)
      const inspected = await inspectContainer(engine, state.id, operation, signal)
      if (!inspected || !isRunning(inspected) || inspected.Id !== state.id || labelOf(inspected, LABELS.intent) === '')
        throw errors.gone(operation, state.id)
      if (await isOver(engine, inspected, operation)) {
        await removeContainer(engine, state.id, operation)
        throw errors.gone(operation, state.id)
      }
      return takeUp(engine, inspected, lifetimeMs)
    },
    async find(ref, context) {
      const operation = 'sandbox.find'
      const engine = await open(operation, context)
      const inspected = await inspectContainer(engine, nameOf(ref), operation)
      const isOurs = labelOf(inspected, LABELS.intent) === ref.intentId && labelOf(inspected, LABELS.run) === ref.runId
      return inspected && isOurs && !(await isOver(engine, inspected, operation)) ? stateOf(inspected.Id) : undefined
    },
    // It is there where the options allow snapshots.
    ...(resolve().facets.snapshot === 'never'
      ? {}
      : {
          async deleteSnapshot(snapshot, context) {
            checkNativeSnapshot('snapshot.delete', snapshot, resolve(), errors)
            await deleteSnapshot(await open('snapshot.delete', context), snapshot)
          },
        }),
  }
}

async function checkVersion(engine: Engine, operation: string): Promise<void> {
  const { ApiVersion } = await ask(engine, { operation }, () => engine.client.version())
  const [major = 0, minor = 0] = String(ApiVersion).split('.').map(Number)
  if (major > LEAST_API[0] || (major === LEAST_API[0] && minor >= LEAST_API[1])) return
  throw errors.unavailable(
    operation,
    ApiVersion ? `The engine is too old: its API is "${ApiVersion}"` : 'What answers is no Docker engine: it tells no version of its API',
    'Use Docker 20.10 or newer (API 1.41).',
  )
}
