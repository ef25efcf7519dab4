import { execFileSync } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { describe, expect, test } from 'vitest'
import { loadConformance } from '../src/conformance/load-conformance.ts'
import { temporary } from './run-cli.ts'

async function load(text: string, live = false): Promise<unknown> {
  await using folder = await temporary()
  const file = join(folder.path, 'conformance.mjs')
  await writeFile(file, `const acme = () => ({})\n${text}\n`)
  return await loadConformance(file, { live }).catch((error: unknown) => error)
}

test.each([
  ['no default export', 'export const subjects = []', /by default/],
  ['no subjects', 'export default { subjects: [] }', /one subject at least/],
  ['a misspelled field', `export default { subjects: [{ title: 'a', provider: acme, knownFailure: {} }] }`, /knownFailure/],
  ['a field of its own', `export default { subjects: [{ title: 'a', provider: acme }], before: acme }`, /before/],
  ['a provider that is no function', `export default { subjects: [{ title: 'a', provider: acme() }] }`, /function that makes/],
  ['a title of two lines', `export default { subjects: [{ title: 'a\\nb', provider: acme }] }`, /one line/],
  ['two subjects of one title', `export default { subjects: [{ title: 'a', provider: acme }, { title: 'a', provider: acme }] }`, /"a"/],
  ['no reason for what is not run', `export default { subjects: [{ title: 'a', provider: acme, notRun: '' }] }`, /notRun/],
  ['a policy that is none', `export default { subjects: [{ title: 'a', provider: acme, policy: { egres: 'none' } }] }`, /egres/],
  ['a function that throws', `export default () => { throw new Error('no token') }`, /no token/],
  ['an error when it is loaded', `throw new Error('not today')`, /not today/],
  ['a syntax error', 'export default {', /cannot be loaded/],
])('a file with %s is refused', async (_, text, message) => {
  expect(await load(text)).toMatchObject({ code: 'config.invalid', message: expect.stringMatching(message) })
})

test('an unknown known failure hides nothing', async () => {
  const text = `export default { subjects: [{ title: 'a', provider: acme, knownFailures: { 'no.such': 'old' } }] }`
  expect(await load(text)).toMatchObject({ code: 'conformance.failed', message: expect.stringContaining('no.such') })
})

test('of a file without a function nothing is live, and one with a function is asked', async () => {
  const plain = `export default { subjects: [{ title: 'a', provider: acme }] }`
  expect(await load(plain)).toEqual({ subjects: [{ title: 'a', provider: expect.any(Function) }] })
  expect(await load(plain, true)).toMatchObject({ subjects: [{ title: 'a', notRun: 'nothing of it is live' }] })
  const asked = `export default async ({ live }) => ({ subjects: [{ title: String(live), provider: acme }] })`
  expect([await load(asked), await load(asked, true)]).toMatchObject([
    { subjects: [{ title: 'false' }] },
    { subjects: [{ title: 'true' }] },
  ])
})

describe('without a loader of TypeScript in the process', () => {
  const LOADER = fileURLToPath(new URL('../src/conformance/load-conformance.ts', import.meta.url))
  const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))
  const TYPESCRIPT = `const title: string = 'typed'\nexport default { subjects: [{ title, provider: () => ({}) }] }\n`

  /** The loader as one file of JavaScript, which prints the title of what it loads. */
  async function print(folder: string): Promise<string> {
    await build({
      entry: { load: LOADER },
      format: 'esm',
      outDir: folder,
      outExtension: () => ({ js: '.mjs' }),
      noExternal: [/./],
      config: false,
      silent: true,
      // The sources of the repository, and what else is in CommonJS.
      esbuildOptions(options) {
        options.conditions = ['@ringfence/source']
      },
      banner: { js: `import { createRequire as make } from 'node:module'; const require = make(import.meta.url)` },
    })
    await writeFile(join(folder, 'conformance.ts'), TYPESCRIPT)
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    const script = `import { loadConformance } from './load.mjs'
loadConformance(${JSON.stringify(join(folder, 'conformance.ts'))}, { live: false })
  .then(({ subjects }) => console.log(subjects[0].title), ({ code, hint }) => console.log(code, hint))`
    const options = { cwd: folder, encoding: 'utf8', env: { PATH: process.env.PATH } } as const
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], options)
  }

  test('that of the project is taken', async () => {
    await using folder = await temporary()
    await symlink(MODULES, join(folder.path, 'node_modules'))
    expect(await print(folder.path)).toBe('typed\n')
  })

  test('where there is none, the file is refused, with what to do', async () => {
    await using folder = await temporary()
    const isNative = Boolean(Reflect.get(process.features, 'typescript'))
    expect(await print(folder.path)).toBe(isNative ? 'typed\n' : 'config.invalid npm i -D tsx; or write conformance.js.\n')
  })
})
