import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { findProvider, installedProviders } from '../src/plugins/find-provider.ts'
import { loadProvider } from '../src/plugins/load-provider.ts'
import { temporary } from './run-cli.ts'

const RINGFENCE = { kind: 'provider', export: 'acme' }
const INDEX = `
export const acme = (options) => {
  if (options?.broken) throw new TypeError('it is broken')
  return { specificationVersion: 'provider-v1', profile: { name: 'acme' }, options }
}
export const other = () => ({ specificationVersion: 'provider-v9' })
`

let cwd: string

async function write(path: string, content: object | string): Promise<void> {
  await mkdir(dirname(join(cwd, path)), { recursive: true })
  await writeFile(join(cwd, path), typeof content === 'string' ? content : JSON.stringify(content))
}

async function writePackage(folder: string, manifest: object): Promise<void> {
  await write(`${folder}/package.json`, { type: 'module', ringfence: RINGFENCE, exports: './index.js', ...manifest })
  await write(`${folder}/index.js`, INDEX)
}

const load = (provider: string, options?: object): Promise<unknown> => loadProvider(provider, options, cwd).catch((error: unknown) => error)

beforeEach(async () => {
  const folder = await temporary()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  cwd = folder.path
})

describe('a provider is found', () => {
  beforeEach(async () => {
    await writePackage('node_modules/@ringfence/provider-acme', { name: '@ringfence/provider-acme' })
    await writePackage('node_modules/@other/sandboxes', { name: '@other/sandboxes' })
    await writePackage('node_modules/sandboxes', { name: 'sandboxes' })
    await writePackage('plugins/mine', { name: 'mine' })
    await write('node_modules/zod/package.json', { name: 'zod' })
    await write('package.json', { dependencies: { '@other/sandboxes': '1', zod: '1' }, devDependencies: { sandboxes: '1' } })
  })

  test.each([
    ['acme', 'acme', 'node_modules/@ringfence/provider-acme'],
    ['@ringfence/provider-acme', 'acme', 'node_modules/@ringfence/provider-acme'],
    ['@other/sandboxes', '@other/sandboxes', 'node_modules/@other/sandboxes'],
    ['sandboxes', 'sandboxes', 'node_modules/sandboxes'],
    ['./plugins/mine', 'mine', 'plugins/mine'],
    ['plugins/mine', 'mine', 'plugins/mine'],
    ['plugins/mine/', 'mine', 'plugins/mine'],
  ])('by %s', (name, id, folder) => {
    expect(findProvider(name, cwd)).toMatchObject({ id, folder: join(cwd, folder) })
  })

  test.each([
    ['nowhere', 'npm i @ringfence/provider-nowhere'],
    ['@other/nowhere', 'npm i @other/nowhere'],
    ['zod', 'npm i @ringfence/provider-zod'],
    ['plugins', 'npm i @ringfence/provider-plugins'],
    ['./nowhere', 'package.json'],
    ['./node_modules/zod', '"ringfence" field'],
  ])('not by %s, with what to do', (name, hint) => {
    expect(() => findProvider(name, cwd)).toThrow(expect.objectContaining({ code: 'config.invalid', hint: expect.stringContaining(hint) }))
  })

  test('and the folder of that name is pointed at', async () => {
    await writePackage('mine', { name: 'mine' })
    expect(() => findProvider('mine', cwd)).toThrow(expect.objectContaining({ hint: 'For the folder write ./mine' }))
  })

  test('all those of the scope and of the dependencies, also from a folder below', async () => {
    await mkdir(join(cwd, 'src/deep'), { recursive: true })
    for (const from of [cwd, join(cwd, 'src/deep')]) {
      const ids = installedProviders(from).map(({ id }) => id)
      expect(ids).toEqual(expect.arrayContaining(['acme', '@other/sandboxes', 'sandboxes']))
      expect(ids).toEqual([...new Set(ids)].sort())
      expect(ids).not.toContain('zod')
    }
  })
})

describe('a provider is loaded', () => {
  test.each([
    ['for import and require', { exports: { '.': { types: './index.d.ts', default: './index.js' } } }],
    ['for import alone', { exports: { '.': { types: './index.d.ts', import: './index.js' } } }],
    ['for import alone, in short', { exports: { import: { default: './index.js' } } }],
    ['by its main', { exports: undefined, main: './index.js' }],
  ])('that exports %s', async (_, manifest) => {
    await writePackage('mine', { name: 'mine', ...manifest })
    expect(await load('./mine', { size: 2 })).toMatchObject({ specificationVersion: 'provider-v1', options: { size: 2 } })
    expect(await load('./mine')).toMatchObject({ options: undefined })
  })

  test.each([
    ['is not built', { exports: './dist/index.js' }, 'config.invalid', /cannot be loaded.*dist/],
    ['exports nothing for programs', { exports: { './package.json': './package.json' } }, 'config.invalid', /cannot be loaded/],
    ['does not export its factory', { ringfence: { ...RINGFENCE, export: 'huge' } }, 'config.invalid', /does not export "huge"/],
    ['is of another contract', { ringfence: { ...RINGFENCE, export: 'other' } }, 'spec.version-unsupported', /provider-v1/],
    ['is of another kind', { ringfence: { ...RINGFENCE, kind: 'tracer' } }, 'config.invalid', /not a provider/],
  ])('not when it %s', async (_, manifest, code, message) => {
    await writePackage('mine', { name: 'mine', ...manifest })
    expect(await load('./mine')).toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('not with options that it refuses, nor from a package.json that is none', async () => {
    await writePackage('mine', { name: 'mine' })
    const hint = expect.stringContaining('--provider-options')
    expect(await load('./mine', { broken: true })).toMatchObject({
      code: 'config.invalid',
      message: expect.stringMatching(/it is broken/),
      hint,
    })
    await write('mine/package.json', '{')
    expect(await load('./mine')).toMatchObject({ code: 'config.invalid', message: expect.stringMatching(/cannot be read as JSON/) })
  })
})
