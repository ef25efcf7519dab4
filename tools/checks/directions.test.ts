import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { directionsCheck } from './directions.ts'

const NAMES = {
  'packages/core': '@ringfence/core',
  'packages/workspace': '@ringfence/workspace',
  'packages/harness': '@ringfence/harness',
  'packages/testkit': '@ringfence/testkit',
  'packages/cli': 'ringfence',
  'providers/acme': '@ringfence/provider-acme',
  'providers/other': '@ringfence/provider-other',
}

/** A repository whose packages import as `imports` tells: text of a source file by its path. */
async function violationsOf(imports: Readonly<Record<string, string>>): Promise<string[]> {
  const root = mkdtempSync(join(tmpdir(), 'ringfence-directions-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  write('tsconfig.json', JSON.stringify({ compilerOptions: { module: 'nodenext' } }))
  mkdirSync(join(root, 'node_modules/@ringfence'), { recursive: true })
  for (const [folder, name] of Object.entries(NAMES)) {
    const plugin = folder.startsWith('providers') ? { ringfence: { kind: 'provider', export: 'x' } } : {}
    write(
      `${folder}/package.json`,
      JSON.stringify({ name, type: 'module', exports: { '.': { '@ringfence/source': './src/index.ts' } }, ...plugin }),
    )
    write(`${folder}/src/index.ts`, 'export const x = 1\n')
    symlinkSync(join(root, folder), join(root, 'node_modules', name))
  }
  for (const [path, text] of Object.entries(imports)) write(path, text)
  const { checked, findings } = await directionsCheck.run(root)
  expect(checked).toBeGreaterThan(4)
  return findings.map(({ file, rule }) => `${file}: ${rule}`)
}

test('what points the right way passes, by name and as a type', async () => {
  const found = await violationsOf({
    'packages/workspace/src/index.ts': "export * from '@ringfence/core'",
    'packages/harness/src/index.ts': "import '@ringfence/core'\nexport * from '@ringfence/workspace'",
    'packages/testkit/src/index.ts': "export * from '@ringfence/workspace'",
    'packages/cli/src/index.ts': "export * from '@ringfence/harness'\nimport '@ringfence/testkit'",
    'providers/acme/src/index.ts': "export * from '@ringfence/core'\nexport * from './acme.ts'",
    'providers/acme/src/acme.ts': 'export const y = 1',
    'providers/acme/test/acme.test.ts': "import '@ringfence/testkit'",
  })
  expect(found).toEqual([])
})

test.each([
  ['packages/core/src/index.ts', '@ringfence/workspace', 'packages/core', 'packages/workspace'],
  ['packages/workspace/src/index.ts', '@ringfence/harness', 'packages/workspace', 'packages/harness'],
  ['packages/workspace/src/index.ts', '@ringfence/provider-acme', 'packages/workspace', 'providers/acme'],
  ['packages/harness/src/index.ts', '@ringfence/provider-acme', 'packages/harness', 'providers/acme'],
  ['packages/testkit/src/index.ts', '@ringfence/harness', 'packages/testkit', 'packages/harness'],
  ['packages/cli/src/index.ts', '@ringfence/provider-acme', 'packages/cli', 'providers/acme'],
  ['providers/acme/src/index.ts', '@ringfence/workspace', 'providers/acme', 'packages/workspace'],
  ['providers/acme/src/index.ts', '@ringfence/provider-other', 'providers/acme', 'providers/other'],
  ['providers/acme/src/index.ts', '@ringfence/testkit', 'providers/acme', 'packages/testkit'],
])('%s may not import %s', async (file, name, layer, target) => {
  expect(await violationsOf({ [file]: `import type { x } from '${name}'\n` })).toEqual([
    `${file}: direction ${layer}: it imports ${target}/src/index.ts`,
  ])
})

test('another package is imported by its name alone', async () => {
  const found = await violationsOf({ 'examples/hello/src/main.ts': "import '../../../packages/core/src/index.ts'" })
  expect(found).toEqual(['examples/hello/src/main.ts: published names: it imports packages/core/src/index.ts'])
})

test('two files may not need each other', async () => {
  const found = await violationsOf({
    'packages/core/src/a.ts': "import { b } from './b.ts'\nexport const a = b",
    'packages/core/src/b.ts': "import { a } from './a.ts'\nexport const b = a",
    'packages/core/src/c.ts': "import type { D } from './d.ts'\nexport type C = D",
    'packages/core/src/d.ts': "import type { C } from './c.ts'\nexport type D = C | 1",
  })
  expect(found.every((line) => line.includes('no cycle') && /[ab]\.ts: /.test(line))).toBe(true)
  expect(found).not.toEqual([])
})
