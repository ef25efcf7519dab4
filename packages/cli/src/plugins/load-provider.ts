import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isRingfenceError, type Provider, RingfenceError } from '@ringfence/core'
import { findProvider, type InstalledProvider } from './find-provider.ts'

function invalid(message: string, hint: string, cause?: unknown): RingfenceError {
  return new RingfenceError('config.invalid', message, { hint, effect: 'none', cause })
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The file that `import` takes, of a package that exports nothing for `require`. */
function importTarget(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (typeof target !== 'object' || target === null) return undefined
  for (const [key, inner] of Object.entries(target)) {
    if (!['.', 'import', 'node', 'default'].includes(key)) continue
    const found = importTarget(inner)
    if (found !== undefined) return found
  }
  return undefined
}

function entryOf({ folder, manifest }: InstalledProvider): string {
  const { resolve } = createRequire(join(folder, 'package.json'))
  try {
    return resolve(manifest.exports === undefined ? folder : manifest.name)
  } catch (error) {
    const target = importTarget(manifest.exports)
    if (target === undefined) throw error
    return join(folder, target)
  }
}

function isProvider(value: unknown): value is Provider {
  return typeof value === 'object' && value !== null && 'specificationVersion' in value && value.specificationVersion === 'provider-v1'
}

/**
 * Loads a provider that is installed.
 *
 * @param options what its factory is given; `undefined` for none.
 * @throws `config.invalid` when it cannot be loaded or refuses the options; `spec.version-unsupported` for one of another contract.
 */
export async function loadInstalled(installed: InstalledProvider, options: unknown): Promise<Provider> {
  const { id, folder, manifest } = installed
  let module: Record<string, unknown>
  try {
    module = await import(pathToFileURL(entryOf(installed)).href)
  } catch (cause) {
    throw invalid(`The provider "${id}" cannot be loaded: ${textOf(cause)}`, `Build or install what is missing in "${folder}".`, cause)
  }
  const factory = module[manifest.ringfence.export]
  if (typeof factory !== 'function')
    throw invalid(`The provider "${id}" does not export "${manifest.ringfence.export}"`, 'Install a matching version.')
  let made: unknown
  try {
    made = options === undefined ? factory() : factory(options)
  } catch (cause) {
    if (isRingfenceError(cause)) throw cause
    throw invalid(`The provider "${id}" refuses its options: ${textOf(cause)}`, "Give them as JSON: --provider-options '{...}'.", cause)
  }
  if (isProvider(made)) return made
  throw new RingfenceError('spec.version-unsupported', `What "${id}" makes is no provider of the contract "provider-v1"`, {
    hint: 'Install versions of the provider and of ringfence that match.',
    effect: 'none',
  })
}

/** Finds and loads a provider by its id, its package name or its folder. Throws as {@link findProvider} and {@link loadInstalled} do. */
export async function loadProvider(provider: string, options: unknown, cwd: string): Promise<Provider> {
  return loadInstalled(findProvider(provider, cwd), options)
}
