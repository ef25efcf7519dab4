import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** What the checks read of a package.json. */
export interface Manifest {
  readonly name: string
  readonly version?: string
  readonly description?: string
  readonly private?: boolean
  readonly license?: string
  readonly type?: string
  readonly sideEffects?: boolean
  readonly engines?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly files?: readonly string[]
  readonly scripts?: Readonly<Record<string, string>>
  readonly ringfence?: { readonly kind?: string; readonly export?: string }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** A workspace of the repository. */
export interface Package {
  /** Below the root, with `/`: `packages/core`. */
  readonly folder: string
  readonly manifest: Manifest
}

/** The folders whose children are published packages. */
export const PUBLISHED_ROOTS = ['packages', 'providers', 'mounts']

/** Built, installed, or written by a build that is under way. */
const LEFT_OUT = /^(?:node_modules|dist|fixtures|\.turbo)$|\.bundled_/

/** The packages in the folders of `parents`, sorted by folder. */
export function packagesIn(root: string, parents: readonly string[] = [...PUBLISHED_ROOTS, 'examples']): Package[] {
  return parents.flatMap((parent) => {
    if (!existsSync(join(root, parent))) return []
    const names = readdirSync(join(root, parent)).sort()
    return names.flatMap((name) => {
      const path = join(root, parent, name, 'package.json')
      return existsSync(path) ? [{ folder: `${parent}/${name}`, manifest: readManifest(path) }] : []
    })
  })
}

/** The packages that go to the registry. */
export function publishedPackages(root: string): Package[] {
  return packagesIn(root, PUBLISHED_ROOTS).filter(({ manifest }) => !manifest.private)
}

/** The packages that are a plugin: those with a `ringfence` field. */
export function plugins(root: string): Package[] {
  return publishedPackages(root).filter(({ manifest }) => manifest.ringfence !== undefined)
}

export function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** All files below some folders of the root, without what is built or installed; paths below the root, with `/`, sorted. */
export function filesBelow(root: string, folders: readonly string[], ending: RegExp = /./): string[] {
  const found: string[] = []
  const walk = (folder: string): void => {
    if (!existsSync(folder)) return
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (LEFT_OUT.test(entry.name)) continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (ending.test(entry.name)) found.push(relative(root, path).split(sep).join('/'))
    }
  }
  for (const folder of folders) walk(join(root, folder))
  return found.sort()
}

/** The TypeScript sources of the published packages, without tests. */
export function publishedSources(root: string): string[] {
  const folders = publishedPackages(root).map(({ folder }) => `${folder}/src`)
  return filesBelow(root, folders, /\.ts$/).filter((path) => !path.endsWith('.test.ts'))
}

export function readText(root: string, path: string): string {
  return readFileSync(join(root, path), 'utf8')
}
