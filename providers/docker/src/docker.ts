import type { Profile, ProviderOf, RuntimeContext } from '@ringfence/core'
import { checkCreate, checkLifetime } from '@ringfence/core/plugin'
import { inspectContainer, isRunning, labelOf } from './container.ts'
import { createContainer } from './create.ts'
import { type Engine, type Modem, openEngine, openModem } from './engine.ts'
import { errors } from './errors.ts'
import { type Images, openImages } from './image.ts'
import { textAt } from './json.ts'
import { type DockerOptions, settingsOf } from './options.ts'
import { type DockerProfile, profile, resolveProfile } from './profile.ts'
import { attach, stateOf } from './sandbox.ts'
import { LABELS, nameOf } from './spec.ts'
import { ABANDONED_MS, sweepCreated } from './sweep.ts'

const ID = /^[0-9a-f]{12,64}$/
/** That of Docker 20.10. */
const LEAST_API = [1, 41] as const

/** What is shared by all calls: the client, and the pulls. */
interface Host {
  readonly modem: Modem
  readonly where: string
  readonly images: Images
}

/**
 * Sandboxes in containers of a Docker engine, here or on another machine, over its API.
 *
 * @throws `config.invalid` for an option that is not known or has a wrong value.
 */
export function docker(options: DockerOptions = {}): ProviderOf<DockerProfile> {
  const settings = settingsOf(options)
  const resolve = (): Profile => resolveProfile(settings)
  const swept = new Set<string>()
  let opening: Promise<Host> | undefined
  const host = async (operation: string, context: RuntimeContext): Promise<{ engine: Engine; images: Images }> => {
    opening ??= open(operation, context).catch((error) => {
      opening = undefined
      throw error
    })
    const { modem, where, images } = await opening
    return { engine: openEngine(modem, where, context), images }
  }
  const open = async (operation: string, context: RuntimeContext): Promise<Host> => {
    const { modem, where } = await openModem(settings.endpoint)
    const engine = openEngine(modem, where, context)
    await checkVersion(engine, operation)
    return { modem, where, images: openImages(engine) }
  }
  return {
    specificationVersion: 'provider-v1',
    profile,
    resolve,
    async create(request, context) {
      checkCreate(request, resolve(), errors)
      request.signal?.throwIfAborted()
      const { engine, images } = await host('sandbox.create', context)
      const { installation } = request.ref
      if (!swept.has(installation)) {
        await sweepCreated(engine, installation, ABANDONED_MS)
        swept.add(installation)
      }
      const { inspected, fresh } = await createContainer(engine, images, settings, request, context)
      const sandbox = attach(engine, inspected, resolve(), context)
      if (!fresh) await sandbox.lifetime.extend(request.lifetimeMs)
      return sandbox
    },
    async resume(state, request, context) {
      if (state.provider !== 'docker' || !ID.test(state.id))
        throw errors.invalid(
          'sandbox.resume',
          `The state of "${state.id}" is none of this provider`,
          'Resume it with the one that made it.',
        )
      checkLifetime(request.lifetimeMs, resolve(), errors)
      request.signal?.throwIfAborted()
      const { engine } = await host('sandbox.resume', context)
      const inspected = await inspectContainer(engine, state.id, 'sandbox.resume', request.signal)
      if (!isRunning(inspected) || textAt(inspected, 'Id') !== state.id || labelOf(inspected, LABELS.intent) === '')
        throw errors.gone('sandbox.resume', state.id)
      const sandbox = attach(engine, inspected, resolve(), context)
      await sandbox.lifetime.extend(request.lifetimeMs)
      return sandbox
    },
    async find(ref, context) {
      const { engine } = await host('sandbox.find', context)
      const inspected = await inspectContainer(engine, nameOf(ref), 'sandbox.find')
      const ours = labelOf(inspected, LABELS.intent) === ref.intentId && labelOf(inspected, LABELS.run) === ref.runId
      return ours && isRunning(inspected) ? stateOf(textAt(inspected, 'Id')) : undefined
    },
  }
}

async function checkVersion(engine: Engine, operation: string): Promise<void> {
  const { body } = await engine.call({ method: 'GET', path: '/version', operation })
  const version = textAt(body, 'ApiVersion')
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > LEAST_API[0] || (major === LEAST_API[0] && minor >= LEAST_API[1])) return
  throw errors.unavailable(
    operation,
    version === '' ? 'What answers is no Docker engine: it tells no version of its API' : `The engine is too old: its API is "${version}"`,
    'Use Docker 20.10 or newer (API 1.41).',
  )
}
