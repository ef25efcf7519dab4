import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MutantRow } from '@ringfence/testkit'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { mutantLine } from '../src/conformance/run-subjects.ts'
import { type CliResult, runCli, temporary } from './run-cli.ts'

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))
/** Two requirements that take little time; the first fails for one that is not honest. */
const ONLY = ['--only', 'contract.profile.plain-data', 'errors.branded']

const PROVIDER = `
import { appendFileSync } from 'node:fs'
import { local } from '@ringfence/provider-local'
export const note = (text) => appendFileSync(new URL('log', import.meta.url), text + '\\n')
export function tiny({ honest = true } = {}) {
  const real = local()
  return honest ? real : { ...real, profile: { ...real.profile, coldStart: { ...real.profile.coldStart, ms: Number.NaN } } }
}
`

const HEAD = `import { defineConformance } from '@ringfence/testkit'\nimport { note, tiny } from './index.js'\n`

let folder: string
let provider: string

/** The files of the provider, below a project in which packages are found. */
const write = (name: string, text: string): Promise<void> => writeFile(join(provider, name), text)
const log = async (): Promise<readonly string[]> =>
  existsSync(join(provider, 'log')) ? (await readFile(join(provider, 'log'), 'utf8')).trim().split('\n') : []
const conformance = (...args: string[]): Promise<CliResult> => runCli(['conformance', ...args], { cwd: folder })
const lastLine = ({ stdout }: CliResult): string => stdout.trimEnd().split('\n').at(-1) ?? ''

beforeEach(async () => {
  const place = await temporary()
  onTestFinished(() => place[Symbol.asyncDispose]())
  folder = place.path
  provider = join(folder, 'packages/tiny')
  await mkdir(provider, { recursive: true })
  await symlink(MODULES, join(folder, 'node_modules'))
  await write(
    'package.json',
    JSON.stringify({ name: 'tiny', type: 'module', exports: './index.js', ringfence: { kind: 'provider', export: 'tiny' } }),
  )
  await write('index.js', PROVIDER)
})

describe('the subjects that a provider brings', () => {
  beforeEach(() =>
    write(
      'conformance.ts',
      `${HEAD}
const subjects: readonly { title: string }[] = []
export default defineConformance({
  subjects: [
    { title: 'Plain', provider: () => (note('plain'), tiny()), policy: { minimumIsolation: 'process' } },
    { title: 'Not honest', provider: () => (note('not honest'), tiny({ honest: false })), knownFailures: { 'contract.profile.plain-data': 'it is not honest' } },
    { title: 'Elsewhere', provider: () => (note('elsewhere'), tiny()), notRun: 'its engine is not installed: apt-get install engine' },
  ],
  start: async () => note('start'),
  stop: async () => note('stop'),
})
`,
    ),
  )

  test('are run one after another between start and stop; what cannot run is told apart', async () => {
    const result = await conformance('packages/tiny', ...ONLY)
    expect(result.code, result.stdout + result.stderr).toBe(0)
    expect(await log()).toEqual(['start', 'plain', 'not honest', 'stop'])
    expect(result.stdout).toContain('Conformance of tiny: Plain')
    expect(result.stdout).toContain('Plain: 2 passed, 0 failed, 0 skipped')
    expect(result.stdout).toContain('Not honest: 1 passed, 0 failed, 1 skipped (1 known to fail)')
    expect(result.stdout).toContain('not run: Elsewhere: its engine is not installed: apt-get install engine')
    expect(lastLine(result)).toBe('3 passed, 0 failed, 1 skipped')
  })

  test('are chosen by title or a part of it', async () => {
    const result = await conformance('./packages/tiny', '--subject', 'PLA', '--json', ...ONLY)
    expect(result.code, result.stdout + result.stderr).toBe(0)
    expect(await log()).toEqual(['start', 'plain', 'stop'])
    expect(result.events.at(-1)).toEqual({ type: 'summary', passed: 2, failed: 0, skipped: 0, notRun: 0 })
    expect(result.events.filter(({ type }) => type === 'requirement')).toHaveLength(2)
    expect(result.events.every(({ subject = 'Plain' }) => subject === 'Plain')).toBe(true)
    const none = await conformance('packages/tiny', '--subject', 'nobody', ...ONLY)
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('"Plain", "Not honest", "Elsewhere"')])
  })

  test('are listed, and nothing is started', async () => {
    const text = await conformance('packages/tiny', '--list')
    expect(text.stdout).toContain('Elsewhere  (cannot run here: its engine is not installed')
    const { code, events } = await conformance('packages/tiny', '--list', '--json')
    expect([code, events.map(({ subject }) => subject)]).toEqual([0, ['Plain', 'Not honest', 'Elsewhere']])
    expect(await log()).toEqual([])
  })

  test('when none of them can run, nothing is started, and that is no success', async () => {
    const result = await conformance('packages/tiny', '--subject', 'Elsewhere', ...ONLY)
    expect([result.code, lastLine(result)]).toEqual([3, '0 passed, 0 failed, 0 skipped'])
    const live = await conformance('packages/tiny', '--live', ...ONLY)
    expect([live.code, live.stdout]).toEqual([3, expect.stringContaining('not run: Plain: nothing of it is live')])
    expect(await log()).toEqual([])
  })

  test('stand back for options of the command line', async () => {
    const result = await conformance('packages/tiny', '--provider-options', '{"honest": false}', '--json', ...ONLY)
    expect(result.code, result.stdout + result.stderr).toBe(1)
    expect(result.events.at(-1)).toEqual({ type: 'summary', passed: 1, failed: 1, skipped: 0, notRun: 0 })
    expect(await log()).toEqual([])
  })

  test('of all providers are run with one total; one that cannot be loaded is a failure beside the others', async () => {
    const app = join(folder, 'app')
    await mkdir(join(app, 'node_modules/half-made'), { recursive: true })
    await symlink(provider, join(app, 'node_modules/tiny'))
    const halfMade = { name: 'half-made', exports: './dist/index.js', ringfence: { kind: 'provider', export: 'halfMade' } }
    await writeFile(join(app, 'node_modules/half-made/package.json'), JSON.stringify(halfMade))
    await writeFile(
      join(app, 'package.json'),
      JSON.stringify({ dependencies: { 'half-made': '1' }, devDependencies: { tiny: '1', zod: '1' } }),
    )
    const all = (...args: string[]): Promise<CliResult> => runCli(['conformance', 'all', ...args], { cwd: app })
    const listed = await all('--list', '--json')
    const ids = new Set(listed.events.map((event) => event.provider))
    expect([listed.code, [...ids]]).toEqual([0, expect.arrayContaining(['local', 'tiny', 'half-made'])])
    const one = await all('--subject', 'minimal-resident', ...ONLY)
    expect([one.code, lastLine(one)], one.stdout).toEqual([0, '2 passed, 0 failed, 0 skipped'])
    const broken = await all('--subject', 'half-made', ...ONLY)
    expect([broken.code, lastLine(broken)], broken.stderr).toEqual([1, '0 passed, 1 failed, 0 skipped'])
    expect(broken.stdout).toMatch(/FAILED\s+half-made: The provider "half-made" cannot be loaded/)
  })
})

test('what fails is a failure, and stop is called', async () => {
  await write(
    'conformance.js',
    `${HEAD}export default {
  subjects: [
    { title: 'No provider', provider: () => { throw new TypeError('no such thing') } },
    { title: 'Not honest', provider: () => tiny({ honest: false }) },
    { title: 'Mended', provider: () => tiny(), knownFailures: { 'errors.branded': 'a bug that is gone' } },
  ],
  stop: async () => note('stop'),
}`,
  )
  const result = await conformance('packages/tiny', ...ONLY)
  expect(result.code, result.stdout + result.stderr).toBe(1)
  expect(result.stdout).toMatch(/FAILED\s+No provider: no such thing/)
  expect(result.stdout).toMatch(/FAILED\s+Not honest: 1 passed, 1 failed, 0 skipped/)
  expect(result.stdout).toMatch(/FAILED\s+Mended: 1 passed, 1 failed, 0 skipped/)
  expect(lastLine(result)).toBe('2 passed, 3 failed, 0 skipped')
  expect(await log()).toEqual(['stop'])
})

test('what cannot be started or stopped is a failure; after a failed start stop is called, and no subject is run', async () => {
  const subjects = `subjects: [{ title: 'Plain', provider: () => (note('plain'), tiny()) }]`
  const noteStop = `stop: async () => note('stop')`
  await write('conformance.mjs', `${HEAD}export default { ${subjects}, start: async () => { throw new Error('no engine') }, ${noteStop} }`)
  const start = await conformance('packages/tiny', ...ONLY)
  expect([start.code, lastLine(start)]).toEqual([1, '0 passed, 1 failed, 0 skipped'])
  expect(start.stdout).toMatch(/FAILED\s+start: no engine/)
  expect(await log()).toEqual(['stop'])
  await write('conformance.mjs', `${HEAD}export default { ${subjects}, stop: async () => { throw new Error('it stays') } }`)
  const stop = await conformance('packages/tiny', ...ONLY)
  expect([stop.code, lastLine(stop)]).toEqual([1, '2 passed, 1 failed, 0 skipped'])
  expect(stop.stdout).toMatch(/FAILED\s+stop: it stays/)
})

test('a function is told whether the service itself is asked for', async () => {
  await write(
    'conformance.mjs',
    `${HEAD}export default defineConformance(async ({ live }) => ({ subjects: [{ title: live ? 'Service' : 'Emulator', provider: () => tiny() }] }))`,
  )
  const listed = async (...args: string[]): Promise<unknown> =>
    (await conformance('packages/tiny', '--list', '--json', ...args)).events.map(({ subject, notRun }) => [subject, notRun])
  expect([await listed(), await listed('--live')]).toEqual([[['Emulator', null]], [['Service', null]]])
})

test.each<[MutantRow['outcomes'], string]>([
  [{ 'a.b': 'killed' }, 'killed by 1 requirement'],
  [{ 'a.b': 'killed', 'a.c': 'not-run', 'a.d': 'killed' }, 'killed by 2 requirements'],
  [{ 'a.b': 'survived', 'a.c': 'killed', 'a.d': 'survived' }, 'killed by 1 requirement, NOT by a.b, a.d'],
  [{}, 'killed by 0 requirements'],
])('a mutant with %j is %s', (outcomes, text) => {
  expect(mutantLine({ id: 'lies', outcomes })).toBe(`mutant lies: ${text}`)
})

test('a part of the suite that is not there is refused before anything is loaded or started', async () => {
  const { code, stdout, stderr } = await conformance('packages/tiny', '--only', 'nothing.like-it')
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(/nothing.like-it[\s\S]*contract, exec/)])
})

test('Ctrl-C ends the run, after stop', async () => {
  await write(
    'conformance.mjs',
    `${HEAD}export default { subjects: [{ title: 'Plain', provider: () => tiny() }], stop: async () => note('stop') }`,
  )
  const result = await runCli(['conformance', 'packages/tiny'], { cwd: folder, interruptAt: 'passed' })
  expect(result.code, result.stdout + result.stderr).toBe(130)
  expect(result.stdout).not.toMatch(/\d+ passed,/)
  expect(await log()).toEqual(['stop'])
})
