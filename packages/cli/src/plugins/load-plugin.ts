import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Provider, RingfenceError } from '@ringfence/core'
import { z } from 'zod'

const pluginSchema = z.object({ name: z.string(), ringfence: z.object({ kind: z.string(), export: z.string() }) })

/** `docker` is `@ringfence/provider-docker`; a package name or a folder is taken as it is. */
function packageOf(provider: string): string {
  return /^[a-z0-9-]+$/.test(provider) ? `@ringfence/provider-${provider}` : provider
}

/** The folder of a package: named by path, or found from the caller's project, then from where this program is. */
function folderOf(name: string, cwd: string): string | undefined {
  if (/^[./]|\//.test(name) && existsSync(join(resolve(cwd, name), 'package.json'))) return resolve(cwd, name)
  for (const from of [join(cwd, 'package.json'), fileURLToPath(import.meta.url)]) {
    for (const root of createRequire(from).resolve.paths(name) ?? []) {
      if (existsSync(join(root, name, 'package.json'))) return join(root, name)
    }
  }
  return undefined
}

function missing(provider: string, name: string): RingfenceError {
  return new RingfenceError('config.invalid', `The provider "${provider}" is not installed: there is no package "${name}"`, {
    hint: `npm i ${name}`,
    effect: 'none',
  })
}

/**
 * Loads a provider by its id, its package name or its folder.
 *
 * @throws `config.invalid` when it is not installed (with the line that installs it), is no provider, or refuses the options.
 */
export async function loadProvider(provider: string, options: unknown, cwd: string): Promise<Provider> {
  const name = packageOf(provider)
  const folder = folderOf(name, cwd)
  if (!folder) throw missing(provider, name)
  const file = join(folder, 'package.json')
  const manifest = pluginSchema.safeParse(JSON.parse(await readFile(file, 'utf8')))
  if (!manifest.success || manifest.data.ringfence.kind !== 'provider')
    throw new RingfenceError('config.invalid', `"${name}" is not a provider of Ringfence`, {
      hint: 'Its package.json has no "ringfence" field of the kind "provider".',
      effect: 'none',
    })
  const entry = createRequire(file).resolve(manifest.data.name)
  const module: Record<string, unknown> = await import(pathToFileURL(entry).href)
  const factory = module[manifest.data.ringfence.export]
  if (typeof factory !== 'function')
    throw new RingfenceError('config.invalid', `"${name}" does not export "${manifest.data.ringfence.export}"`, {
      hint: 'Install a matching version.',
      effect: 'none',
    })
  return options === undefined ? factory() : factory(options)
}
