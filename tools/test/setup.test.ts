import { describe, expect, test } from 'vitest'
import { commandLine, needsOf } from '../command-line.mjs'
import { debianFor } from '../debian.mjs'
import { closureOf, mainWorkspaces, missingOf } from '../setup.mjs'
import { summarise } from '../test-report.mjs'

const LOCK = {
  '': { devDependencies: { tool: '1' } },
  'node_modules/cli': { link: true, resolved: 'packages/cli' },
  'packages/cli': { dependencies: { engine: '^1', words: '^2' }, devDependencies: { tool: '1' } },
  'packages/cli/node_modules/words': { version: '2.0.0' },
  'node_modules/engine': { version: '1.0.0', dependencies: { words: '^1' } },
  'node_modules/words': { version: '1.0.0' },
  'node_modules/tool': { version: '1.0.0' },
  'node_modules/for-another-system': { version: '1.0.0', optional: true },
}

test('the closure of a workspace is found as Node finds it, without what its developers use', () => {
  expect(Object.keys(closureOf(LOCK, ['cli'])).sort()).toEqual([
    'node_modules/cli',
    'node_modules/engine',
    'node_modules/words',
    'packages/cli/node_modules/words',
  ])
})

describe('what is missing', () => {
  const there = (): boolean => true

  test('all, before the first install', () => {
    expect(missingOf(LOCK, undefined, there)).toHaveLength(5)
  })

  test('nothing, when the versions are the same', () => {
    expect(missingOf(LOCK, LOCK, there)).toEqual([])
  })

  test('what has another version, another place, or was removed', () => {
    const installed = { ...LOCK, 'node_modules/tool': { version: '0.9.0' }, 'node_modules/cli': { link: true, resolved: 'old/cli' } }
    expect(missingOf(LOCK, installed, (path) => path !== 'node_modules/words')).toEqual([
      'node_modules/cli',
      'node_modules/words',
      'node_modules/tool',
    ])
  })
})

describe('the report of the tests', () => {
  const file = (status: string, ...tests: string[]) => ({
    name: `${process.cwd()}/a.test.ts`,
    status,
    assertionResults: tests.map((status) => ({ status, fullName: `is ${status}` })),
  })

  test('counts, and names what was skipped', () => {
    const summary = summarise({ testResults: [file('passed', 'passed', 'skipped', 'todo'), file('failed', 'failed')] }, 1)
    expect(summary).toMatchObject({ passed: 1, failed: 1, skipped: 2, skippedNames: ['a.test.ts: is skipped', 'a.test.ts: is todo'] })
  })

  test.each([
    ['a file that does not load', { testResults: [file('passed', 'passed'), file('failed')] }, 1],
    ['an error outside of every test', { testResults: [file('passed', 'passed')] }, 1],
    ['a run without a test', { testResults: [] }, 0],
    ['a run without a report', undefined, 0],
  ])('%s is a failure', (_what, report, code) => {
    const { failed, reasons } = summarise(report, code)
    expect(failed).toBe(1)
    expect(reasons).toHaveLength(1)
  })
})

describe('what a command needs', () => {
  test.each([
    ['run', 'local', true],
    ['run --provider acme', 'acme', true],
    ['run --provider=acme --repo .', 'acme', true],
    ['run -p acme', 'acme', true],
    ['exec -- true', 'local', false],
    ['exec --repo . -- true', 'local', true],
    ['conformance local', 'local', false],
    ['conformance acme', 'acme', false],
    ['--help', undefined, false],
    ['doctor', undefined, false],
  ])('%s', (line, provider, repository) => {
    expect(needsOf(line.split(' '))).toEqual({ provider, repository })
  })

  test('the local provider needs bubblewrap, a repository git', () => {
    const names = (provider: string | undefined, repository: boolean): string[] =>
      debianFor({ provider, repository }).map(({ name }) => name)
    expect(names('local', true)).toEqual(process.platform === 'linux' ? ['bubblewrap', 'git'] : ['git'])
    expect(names('acme', false)).toEqual([])
  })

  test('a provider of this repository is installed when it is asked for, another is not', () => {
    expect(mainWorkspaces('local')).toEqual(mainWorkspaces(undefined))
    expect(mainWorkspaces('no-such')).toEqual(mainWorkspaces(undefined))
    expect(mainWorkspaces('../providers/local')).toEqual(mainWorkspaces(undefined))
    expect(mainWorkspaces('docker')).toContain('@ringfence/provider-docker')
  })
})

test('options without a command are those of the main job', () => {
  expect(commandLine([])).toEqual(['run'])
  expect(commandLine(['--repo', 'x'])).toEqual(['run', '--repo', 'x'])
  expect(commandLine(['-p', 'docker'])).toEqual(['run', '-p', 'docker'])
  expect(commandLine(['--help'])).toEqual(['--help'])
  expect(commandLine(['doctor', '--json'])).toEqual(['doctor', '--json'])
})
