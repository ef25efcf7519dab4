import { describe, expect, test } from 'vitest'
import { judgeLines } from './file-budget.ts'
import { peerFindings } from './peer-ranges.ts'
import { findNames, patternFor } from './plugin-names.ts'
import { judgeSize, staleBudgets } from './sizes.ts'
import { findWords } from './words.ts'

describe('words', () => {
  // Put together here, so that this file does not break the rule that it tests.
  const path = (...parts: string[]): string => ['', ...parts, 'a'].join('/')

  test.each([
    `see ${path('work', 'main')}`,
    `cd ${path('root')}`,
    `in ${path('home', 'kim')}/b`,
    ['Cl', 'aude wrote'].join(''),
    ['TO', 'DO: later'].join(''),
  ])('refuses %s', (text) => {
    expect(findWords('README.md', `fine\n${text}`)).toMatchObject([{ file: 'README.md:2' }])
  })

  test.each(['a network', 'packages/workspace', `in ${path('home', 'user')}/b`, './work/main', 'https://example.org/work/1'])(
    'allows %s',
    (text) => {
      expect(findWords('README.md', text)).toEqual([])
    },
  )

  test('a lock file names no host', () => {
    const line = `"resolved": "${'https'}://registry.example.org/a.tgz"`
    expect(findWords('package-lock.json', line)).toHaveLength(1)
    expect(findWords('notes.json', line)).toEqual([])
    expect(findWords('package-lock.json', '"resolved": "packages/core"')).toEqual([])
  })
})

describe('names of plugins', () => {
  const pattern = patternFor(['acme', 'local', 'tracer-zipkin'], ['@ringfence/provider-acme', '@ringfence/provider-local'])
  const namesIn = (text: string): string[] => findNames('a.ts', text, pattern).map(({ rule }) => rule)

  test.each(['// as Acme does', "if (name === 'acme')", 'import("@ringfence/provider-local")', 'for docker, too', 'zipkin'])(
    'finds one in %s',
    (text) => {
      expect(namesIn(text)).toHaveLength(1)
    },
  )

  test.each(['a local path', "'acme.example'", "'run.acme.example'", 'macmeal', 'acme-like', 'runLoop()'])('finds none in %s', (text) => {
    expect(namesIn(text)).toEqual([])
  })
})

test('a file over its budget is a finding, a long one a note', () => {
  const result = judgeLines([
    { file: 'packages/a/src/short.ts', lines: 250 },
    { file: 'packages/a/src/long.ts', lines: 251 },
    { file: 'packages/a/src/over.ts', lines: 401 },
    { file: 'packages/a/test/long.test.ts', lines: 600 },
    { file: 'packages/a/test/over.test.ts', lines: 601 },
  ])
  expect(result.findings.map(({ file }) => file)).toEqual(['packages/a/src/over.ts', 'packages/a/test/over.test.ts'])
  expect(result.notes).toEqual(['packages/a/src/long.ts has 251 lines, more than 250'])
})

test('a plugin works with the core of the tree', () => {
  const plugin = (range: string) => ({ folder: 'providers/a', manifest: { name: 'a', peerDependencies: { '@ringfence/core': range } } })
  expect(peerFindings(plugin('>=0.1.0 <1.0.0'), '0.9.3')).toEqual([])
  expect(peerFindings(plugin('^0.1.0'), '0.1.0')).toHaveLength(1)
  expect(peerFindings(plugin('>=0.1.0 <1.0.0'), '1.0.0')).toHaveLength(1)
})

test('a size has a budget, and keeps to it', () => {
  expect(judgeSize('a', 9.9, { a: 10 })).toEqual([])
  expect(judgeSize('a', 10.1, { a: 10 })).toHaveLength(1)
  expect(judgeSize('b', 1, { a: 10 })).toHaveLength(1)
  expect(staleBudgets(['a'], { a: 1, gone: 1 })).toMatchObject([{ rule: 'there is no package "gone"' }])
})
