// `npm run docs`: writes the generated pages, and puts regions of the examples into the snippets of all pages.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ERROR_CODES, type Profile } from '@ringfence/core'
import { filesBelow, packagesIn, plugins, publishedPackages, readText } from '../checks/lib/repository.ts'
import { ROOT } from '../setup.mjs'
import { errorsPage, featuresPage, packagesTable } from './pages.ts'
import { fillSection, fillSnippets } from './regions.ts'

/** All generated text: contents by path below the root. */
export async function generatedPages(root: string): Promise<ReadonlyMap<string, string>> {
  const profiles = await Promise.all(
    plugins(root).flatMap(({ folder, manifest }) => (manifest.ringfence?.kind === 'provider' ? [profileOf(root, folder)] : [])),
  )
  const table = packagesTable(publishedPackages(root))
  return new Map([
    ['docs/errors.md', errorsPage(ERROR_CODES)],
    ['docs/features.md', featuresPage(profiles)],
    ['README.md', fillSection(readText(root, 'README.md'), 'packages', table)],
  ])
}

/** The pages that may hold snippets. */
export function pagesOf(root: string): string[] {
  const readmes = packagesIn(root).map(({ folder }) => `${folder}/README.md`)
  return ['README.md', 'CONTRIBUTING.md', ...filesBelow(root, ['docs'], /\.md$/), ...readmes].filter((path) => existsSync(join(root, path)))
}

/** A provider keeps its profile, which is literals only, in a file of its own. */
async function profileOf(root: string, folder: string): Promise<Profile> {
  const path = join(root, folder, 'src/profile.ts')
  if (!existsSync(path)) throw new Error(`"${folder}/src/profile.ts" is missing: a provider exports its "profile" there`)
  const { profile } = (await import(pathToFileURL(path).href)) as { readonly profile?: Profile }
  if (!profile) throw new Error(`"${folder}/src/profile.ts" exports no "profile"`)
  return profile
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, content] of await generatedPages(ROOT)) write(path, content)
  for (const path of pagesOf(ROOT))
    write(
      path,
      fillSnippets(readText(ROOT, path), (source) => readText(ROOT, source)),
    )
}

function write(path: string, content: string): void {
  if (existsSync(join(ROOT, path)) && readText(ROOT, path) === content) return
  mkdirSync(dirname(join(ROOT, path)), { recursive: true })
  writeFileSync(join(ROOT, path), content)
  console.log(`wrote ${path}`)
}
