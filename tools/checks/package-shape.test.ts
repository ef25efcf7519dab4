import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Manifest } from './lib/repository.ts'
import { filesOf, pluginExportsOf, SECTIONS, sectionsOf, shapeOf } from './package-shape.ts'

const PLUGIN: Manifest = {
  name: '@ringfence/provider-acme',
  version: '0.1.0',
  description: 'Sandboxes of Acme.',
  license: 'Apache-2.0',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=20' },
  ringfence: { kind: 'provider', export: 'acme' },
  exports: {
    '.': { '@ringfence/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
    './package.json': './package.json',
  },
  files: ['dist', 'src', '!src/**/*.test.ts'],
  scripts: { build: 'tsup', 'check:package': 'publint --strict && attw --pack --profile esm-only' },
  peerDependencies: { '@ringfence/core': '>=0.1.0 <1.0.0' },
}
const README = SECTIONS.map((section) => `## ${section}\n\nText.\n`).join('\n')
const rulesFor = (changes: Partial<Manifest>, folder = 'providers/acme'): string[] =>
  shapeOf({ folder, manifest: { ...PLUGIN, ...changes } }).map(({ rule }) => rule)

describe('the fields of a package', () => {
  test('a plugin of the right shape has no finding', () => {
    expect(rulesFor({})).toEqual([])
  })

  test.each<[string, Partial<Manifest>, string]>([
    ['another name than its folder gives', { name: '@ringfence/acme' }, '"name" is "@ringfence/acme"'],
    ['no license', { license: 'MIT' }, '"license" is "MIT"'],
    ['a second peer', { peerDependencies: { '@ringfence/core': '*', zod: '*' } }, '"peerDependencies" is ["@ringfence/core","zod"]'],
    ['a dependency of ours', { dependencies: { '@ringfence/workspace': '*' } }, '"internal dependencies" is ["@ringfence/workspace"]'],
    ['no kind', { ringfence: { export: 'acme' } }, '"ringfence.kind" is undefined'],
    ['unpublished sources', { files: ['dist'] }, '"files" is ["dist"]'],
    ['no description', { description: 'x' }, '"description" is "x"'],
  ])('it refuses %s', (_what, changes, rule) => {
    expect(rulesFor(changes)).toEqual([rule])
  })

  test('it refuses an export without types', () => {
    const exports = { ...PLUGIN.exports, '.': { '@ringfence/source': './src/index.ts', default: './dist/index.js' } }
    expect(rulesFor({ exports })).toHaveLength(1)
  })

  test('a package that is no plugin needs neither kind nor peer', () => {
    const { ringfence: _kind, peerDependencies: _peers, ...rest } = PLUGIN
    expect(shapeOf({ folder: 'packages/harness', manifest: { ...rest, name: '@ringfence/harness' } })).toEqual([])
  })
})

describe('the files of a package', () => {
  const make = (files: Readonly<Record<string, string>>): string => {
    const root = mkdtempSync(join(tmpdir(), 'ringfence-shape-'))
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    for (const [path, text] of Object.entries({ 'package.json': '{}', ...files })) {
      mkdirSync(join(root, 'providers/acme', path, '..'), { recursive: true })
      writeFileSync(join(root, 'providers/acme', path), text)
    }
    return root
  }
  const one = { folder: 'providers/acme', manifest: PLUGIN }
  const index = "export { type AcmeOptions, acme } from './acme.ts'\n"

  test('sources, README and tests are there', () => {
    expect(filesOf(make({ 'src/index.ts': index, 'README.md': README, 'test/acme.test.ts': '' }), one)).toEqual([])
  })

  test('what is missing is named', () => {
    const files = filesOf(make({}), one).map(({ file, rule }) => `${file}: ${rule}`)
    expect(files).toEqual([
      'providers/acme/package.json: it exports "./src/index.ts", which is not there',
      'providers/acme/README.md: it is missing',
      'providers/acme/test: there is no test file',
    ])
  })
})

describe('the sections of a README', () => {
  test('all, in order', () => {
    expect(sectionsOf('README.md', README)).toEqual([])
  })

  test('a heading may say more', () => {
    expect(sectionsOf('README.md', README.replace('## What', '## What it is'))).toEqual([])
  })

  test('a heading within code is none', () => {
    expect(sectionsOf('README.md', README.replace('## Limits\n', '```sh\n## Limits\n```\n'))).toHaveLength(1)
  })

  test('an empty section is a finding', () => {
    expect(sectionsOf('README.md', README.replace('## Limits\n\nText.\n', '## Limits\n'))[0]?.rule).toBe('its section "Limits" is empty')
  })

  test('the wrong order is a finding', () => {
    expect(sectionsOf('README.md', README.replace('## Use', '## Errors').replace(/## Errors(?=[^#]*$)/, '## Use'))).toHaveLength(1)
  })
})

describe('the exports of a plugin', () => {
  test.each([
    "export { acme } from './acme.ts'\nexport type { AcmeOptions } from './options.ts'",
    "export { acme, type AcmeOptions } from './acme.ts'",
    'export function acme(): void {}\nexport interface AcmeOptions {}',
  ])('one factory and types: %s', (text) => {
    expect(pluginExportsOf('index.ts', text, 'acme')).toEqual([])
  })

  test.each(["export * from './acme.ts'", "export { acme, profile } from './acme.ts'", 'export default acme', 'export {}'])(
    'refuses %s',
    (text) => {
      expect(pluginExportsOf('index.ts', text, 'acme')).toHaveLength(1)
    },
  )
})
