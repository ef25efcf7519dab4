import { describe, expect, test } from 'vitest'
import { judgeChangeset, uncovered } from './changesets.ts'

const PUBLISHED = new Map([
  ['@ringfence/core', '0.1.0'],
  ['@ringfence/stable', '1.2.0'],
])
const rulesOf = (text: string): string[] => judgeChangeset('.changeset/a.md', text, PUBLISHED).map(({ rule }) => rule)

describe('a changeset', () => {
  test('names packages and says what changes', () => {
    expect(rulesOf("---\n'@ringfence/core': minor\n'@ringfence/stable': major\n---\n\nText.\n")).toEqual([])
  })

  test.each([
    ["---\n'@ringfence/tools': patch\n---\n\nText.\n", '"@ringfence/tools" is not a published package'],
    ["---\n'@ringfence/core': major\n---\n\nText.\n", '"@ringfence/core" is at 0.1.0 and would become 1.0'],
    ['---\n---\n\nText.\n', 'it names no package'],
    ["---\n'@ringfence/core': minor\n---\n\n", 'it says nothing'],
  ])('is refused: %j', (text, rule) => {
    expect(rulesOf(text)).toEqual([rule])
  })
})

test('a changed package needs a changeset, by its sources or its package.json', () => {
  const packages = ['core', 'workspace', 'harness'].map((name) => ({ folder: `packages/${name}`, manifest: { name } }))
  const changed = ['packages/core/src/a.ts', 'packages/workspace/test/a.test.ts', 'packages/harness/package.json', 'README.md']
  expect(uncovered(packages, changed, new Set(['core'])).map(({ file }) => file)).toEqual(['packages/harness'])
  expect(uncovered(packages, changed, new Set(['core', 'harness']))).toEqual([])
})
