import { describe, expect, test } from 'vitest'
import { judgeSnippets, unmarked } from '../checks/snippets.ts'
import { errorsPage, featuresPage, packagesTable } from '../docs/pages.ts'
import { fillSection, fillSnippets, regionOf } from '../docs/regions.ts'

const SOURCE = 'import a\n\nasync function f() {\n  // #region use\n  const b = a()\n\n  if (b) {\n    b.c()\n  }\n  // #endregion\n}\n'
const block = (code: string): string => `# Page\n\n<!-- snippet: examples/a.ts#use -->\n\`\`\`ts\n${code}\`\`\`\n\nText.\n`
const CODE = 'const b = a()\n\nif (b) {\n  b.c()\n}\n'

describe('snippets', () => {
  test('a region loses its indentation', () => {
    expect(regionOf(SOURCE, 'use')).toBe(CODE)
    expect(regionOf(SOURCE, 'other')).toBeUndefined()
    expect(regionOf('// #region use\nno end', 'use')).toBeUndefined()
  })

  test('a page is filled, and then has no finding', () => {
    const page = fillSnippets(block('old()\n'), () => SOURCE)
    expect(page).toBe(block(CODE))
    expect(judgeSnippets('README.md', page, () => SOURCE)).toEqual([])
  })

  test('a snippet that differs, or has no source, is a finding', () => {
    expect(judgeSnippets('README.md', block('old()\n'), () => SOURCE)).toHaveLength(1)
    expect(judgeSnippets('README.md', block(CODE), () => undefined)).toHaveLength(1)
    expect(() => fillSnippets(block(CODE), () => '')).toThrow('no region "use"')
  })

  test('a block that no comment marks is a finding', () => {
    expect(unmarked('README.md', block(CODE))).toEqual([])
    expect(unmarked('README.md', '```sh\nnpm start\n```\n\n```ts\na()\n```\n')).toMatchObject([{ file: 'README.md:5' }])
  })
})

describe('generated pages', () => {
  test('a section is replaced between its marks, and a page without them is refused', () => {
    expect(fillSection('a\n<!-- packages -->\nold\n<!-- /packages -->\nb', 'packages', 'new')).toBe(
      'a\n<!-- packages -->\n\nnew\n\n<!-- /packages -->\nb',
    )
    expect(fillSection('<!-- packages --><!-- /packages -->', 'packages', 'new')).toBe('<!-- packages -->\n\nnew\n\n<!-- /packages -->')
    expect(() => fillSection('a', 'packages', 'new')).toThrow('no section "packages"')
  })

  test('each code has its heading, sorted', () => {
    const entry = { title: 'Title', cause: 'Cause.', hint: 'Hint.' }
    const page = errorsPage({ 'b.b': entry, 'a.a': entry })
    expect(page.match(/^## .*$/gm)).toEqual(['## a.a', '## b.b'])
    expect(page).toContain('**Title.** Cause.\n\nHint.')
  })

  test('each provider is a column, each facet a row', () => {
    const page = featuresPage([
      {
        name: 'acme',
        facets: { lifetime: 'always', pty: 'never', snapshot: 'never', suspend: 'never' },
        wire: {
          ...{ output: 'bytes', delivery: 'live', stdin: 'live', kill: 'group', user: true, start: 'once' },
          ...{ maxArgvBytes: 1000, pids: 'shared', openChannel: 'free' },
        },
        isolation: 'container',
        egress: { tier: 'block', enforcedBy: 'a | b', open: false },
        limits: [],
        user: 'root',
        find: 'none',
        maxLifetimeMs: 120_000,
        persistence: 'none',
        coldStart: { ms: 5, source: 'measured', date: '2026-01-01' },
      },
    ])
    expect(page).toContain('|  | acme |')
    expect(page).toContain('| facet `pty` | never |')
    expect(page).toContain('| network that can be restricted | all or nothing, by a \\| b |')
    expect(page).toContain('| longest lifetime | 2 min |')
  })

  test('each package is a row', () => {
    const packages = [{ folder: 'packages/a', manifest: { name: '@x/a', description: 'What it is.' } }]
    expect(packagesTable(packages).split('\n')[2]).toBe('| [`@x/a`](packages/a) | What it is. |')
  })
})
