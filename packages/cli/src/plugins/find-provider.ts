import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RingfenceError } from '@ringfence/core'
import { z } from 'zod'

const SCOPE = '@ringfence'
const PREFIX = 'provider-'

const manifestSchema = z.object({
  name: z.string(),
  exports: z.unknown().optional(),
  ringfence: z.object({ kind: z.literal('provider'), export: z.string() }),
})

/** A provider that is installed. */
export interface InstalledProvider {
  /** `docker` for `@ringfence/provider-docker`; for others the name of the package. */
  readonly id: string
  /** Where its package.json is. */
  readonly folder: string
  readonly manifest: z.output<typeof manifestSchema>
}

function invalid(message: string, hint: string, cause?: unknown): RingfenceError {
  return new RingfenceError('config.invalid', message, { hint, effect: 'none', cause })
}

/** The folders in which packages are looked for: from the caller's project, then from where this program is. */
function packageRoots(cwd: string): readonly string[] {
  return [join(cwd, 'package.json'), fileURLToPath(import.meta.url)].flatMap((from) => createRequire(from).resolve.paths('x') ?? [])
}

/** Whether a provider is named by its id or its package, and not by its folder. */
export function isPackageName(provider: string): boolean {
  return /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/.test(provider)
}

function readManifest(folder: string): InstalledProvider['manifest'] {
  const file = join(folder, 'package.json')
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw invalid(`"${file}" cannot be read as JSON`, 'Mend the file, or install the package again.', cause)
  }
  const manifest = manifestSchema.safeParse(json)
  if (manifest.success) return manifest.data
  throw invalid(`"${folder}" is not a provider of Ringfence`, 'Its package.json has no "ringfence" field of the kind "provider".')
}

function inFolder(folder: string): InstalledProvider {
  if (!existsSync(join(folder, 'package.json')))
    throw invalid(`There is no provider in the folder "${folder}": it has no package.json`, 'Name the folder of its package.json.')
  const manifest = readManifest(folder)
  return { id: idOf(manifest.name), folder, manifest }
}

/** The folder of an installed package. */
function locate(name: string, cwd: string): string | undefined {
  const root = packageRoots(cwd).find((one) => existsSync(join(one, name, 'package.json')))
  return root && join(root, name)
}

/** A package of that very name, if it is a provider: it may as well be of another kind, or nobody's. */
function providerCalled(name: string, cwd: string): InstalledProvider | undefined {
  const folder = locate(name, cwd)
  try {
    return folder === undefined ? undefined : inFolder(folder)
  } catch {
    // It is none.
    return undefined
  }
}

const idOf = (name: string): string => (name.startsWith(`${SCOPE}/${PREFIX}`) ? name.slice(`${SCOPE}/${PREFIX}`.length) : name)

/**
 * Finds a provider by its id (`docker` is `@ringfence/provider-docker`), its package name or its folder.
 *
 * @throws `config.invalid` when it is not installed, with the line that installs it, or is no provider.
 */
export function findProvider(provider: string, cwd: string): InstalledProvider {
  if (!isPackageName(provider)) return inFolder(resolve(cwd, provider))
  const name = provider.startsWith('@') ? provider : `${SCOPE}/${PREFIX}${provider}`
  const folder = locate(name, cwd)
  if (folder) return inFolder(folder)
  const other = name === provider ? undefined : providerCalled(provider, cwd)
  if (other) return other
  const isFolder = existsSync(join(cwd, provider, 'package.json'))
  throw invalid(
    `The provider "${provider}" is not installed: there is no package "${name}"`,
    isFolder ? `For the folder write ./${provider}` : `npm i ${name}`,
  )
}

/** The packages of the scope that are called a provider. */
function namesInScope(roots: readonly string[]): readonly string[] {
  return roots.flatMap((root) => {
    const scope = join(root, SCOPE)
    const names = existsSync(scope) ? readdirSync(scope).filter((name) => name.startsWith(PREFIX)) : []
    return names.map((name) => `${SCOPE}/${name}`)
  })
}

/** What the nearest package.json of the caller depends on. */
function dependenciesOf(cwd: string): readonly string[] {
  const file = join(cwd, 'package.json')
  if (!existsSync(file)) return dirname(cwd) === cwd ? [] : dependenciesOf(dirname(cwd))
  const fields = z.object({ dependencies: z.record(z.string(), z.unknown()), devDependencies: z.record(z.string(), z.unknown()) }).partial()
  try {
    const { dependencies, devDependencies } = fields.parse(JSON.parse(readFileSync(file, 'utf8')))
    return Object.keys({ ...dependencies, ...devDependencies })
  } catch {
    // It is not what this command is about, and npm says it better.
    return []
  }
}

/** All providers that are installed for the caller's project or beside this program, sorted by id. */
export function installedProviders(cwd: string): readonly InstalledProvider[] {
  const names = [...namesInScope(packageRoots(cwd)), ...dependenciesOf(cwd)]
  const found = names.flatMap((name) => providerCalled(name, cwd) ?? [])
  return [...new Map(found.map((one) => [one.folder, one])).values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
