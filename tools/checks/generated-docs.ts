import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { generatedPages } from '../docs/generate.ts'
import type { Check } from './lib/check.ts'
import { readText } from './lib/repository.ts'

/** The generated pages are what the sources make. */
export const generatedDocsCheck: Check = {
  name: 'generated-docs',
  async run(root) {
    const pages = await generatedPages(root)
    const stale = [...pages].filter(([path, content]) => !existsSync(join(root, path)) || readText(root, path) !== content)
    return {
      checked: pages.size,
      findings: stale.map(([file]) => ({ file, rule: 'it is not what the sources make', fix: 'npm run docs' })),
    }
  },
}
