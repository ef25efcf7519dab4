import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pagesOf } from '../docs/generate.ts'
import { regionOf, snippetsOf } from '../docs/regions.ts'
import type { Check, Finding } from './lib/check.ts'
import { readText } from './lib/repository.ts'

/** Code in the pages is code that runs: a marked block is a region of a source, and each block of the root README is marked. */
export const snippetsCheck: Check = {
  name: 'snippets',
  run(root) {
    const read = (path: string): string | undefined => (existsSync(join(root, path)) ? readText(root, path) : undefined)
    const pages = pagesOf(root).map((file) => ({ file, text: readText(root, file) }))
    const checked = pages.reduce((sum, { text }) => sum + snippetsOf(text).length, 0)
    const findings = pages.flatMap(({ file, text }) => judgeSnippets(file, text, read))
    return { checked, findings: [...findings, ...unmarked('README.md', readText(root, 'README.md'))] }
  },
}

/** @param read gives the text of a source, by its path below the root. */
export function judgeSnippets(file: string, page: string, read: (path: string) => string | undefined): Finding[] {
  return snippetsOf(page).flatMap(({ source, region, code }) => {
    const text = read(source)
    const wanted = text === undefined ? undefined : regionOf(text, region)
    if (wanted === undefined)
      return [{ file, rule: `there is no region "${region}" in "${source}"`, fix: `write // #region ${region} ... // #endregion there` }]
    return wanted === code ? [] : [{ file, rule: `the snippet "${source}#${region}" differs from its source`, fix: 'npm run docs' }]
  })
}

/** Blocks of TypeScript that no comment marks. */
export function unmarked(file: string, page: string): Finding[] {
  const lines = page.split('\n')
  return lines.flatMap((line, index) => {
    if (!/^```(?:ts|typescript)$/.test(line) || lines[index - 1]?.startsWith('<!-- snippet: ')) return []
    return [
      {
        file: `${file}:${index + 1}`,
        rule: 'a block of code that nothing runs',
        fix: 'make it a region of an example: <!-- snippet: path#region --> above the block',
      },
    ]
  })
}
