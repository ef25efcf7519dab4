import { describe, expect, test } from 'vitest'
import { findingsOf as biomeFindings } from './biome.ts'
import { runCheck } from './lib/check.ts'
import { readTurbo } from './package.ts'
import { findingsOf as typeFindings } from './types.ts'
import { findingsOf as knipFindings } from './unused.ts'

describe('a check', () => {
  test('passes when it looked at something and found nothing', async () => {
    const outcome = await runCheck({ name: 'a', run: () => ({ checked: 1, findings: [], notes: ['so'] }) }, '/')
    expect(outcome).toMatchObject({ passed: true, lines: ['  note: so'] })
  })

  test('fails when it looked at nothing', async () => {
    expect(await runCheck({ name: 'a', run: () => ({ checked: 0, findings: [] }) }, '/')).toMatchObject({ passed: false })
  })

  test('fails when it throws', async () => {
    const check = { name: 'a', run: () => Promise.reject(new Error('no tool')) }
    expect(await runCheck(check, '/')).toMatchObject({ passed: false, lines: ['  it could not run: no tool'] })
  })

  test('names file, rule and fix', async () => {
    const check = { name: 'a', run: () => ({ checked: 1, findings: [{ file: 'a.ts:1', rule: 'wrong', fix: 'mend' }] }) }
    expect((await runCheck(check, '/')).lines).toEqual(['  a.ts:1: wrong\n    fix: mend'])
  })
})

test('errors of tsc, with and without a place', () => {
  const lines = [
    "packages/a/src/b.ts(3,5): error TS2322: Type 'x'.",
    '  more of it',
    "error TS5083: Cannot read file 'x'.",
    '/lib/lib.d.ts',
  ]
  expect(typeFindings(lines).map(({ file, rule }) => `${file} ${rule}`)).toEqual([
    "packages/a/src/b.ts:3 error TS2322: Type 'x'.",
    "tsconfig.json error TS5083: Cannot read file 'x'.",
  ])
})

test('diagnostics of biome, without mere information', () => {
  const of = (severity: string) => ({ severity, message: 'm', category: 'lint/x', location: { path: 'a.ts', start: { line: 2 } } })
  const report = { summary: { changed: 0, unchanged: 1 }, diagnostics: [of('error'), of('warning'), of('info')] }
  expect(biomeFindings(report)).toHaveLength(2)
  expect(biomeFindings(report)[0]?.file).toBe('a.ts:2')
})

test('issues of knip; a test may use any package of the repository', () => {
  const item = (name: string) => ({ name, line: 4 })
  const issues = [
    { file: 'a.ts', exports: [item('b')], files: [{ name: 'a.ts' }], owners: [] },
    { file: 'packages/a/test/b.test.ts', unlisted: [item('@ringfence/testkit'), item('left-pad')] },
    { file: 'packages/a/src/c.ts', unlisted: [item('@ringfence/testkit')] },
  ]
  expect(knipFindings({ issues }).map(({ file, rule }) => `${file} ${rule}`)).toEqual([
    'a.ts:4 exports: "b"',
    'a.ts nothing imports this file',
    'packages/a/test/b.test.ts:4 unlisted: "left-pad"',
    'packages/a/src/c.ts:4 unlisted: "@ringfence/testkit"',
  ])
})

test("turbo's summary", () => {
  const stdout = ' Tasks:    5 successful, 6 total\nCached:    5 cached, 6 total\nFailed:    @ringfence/a#build, b#check:package\n'
  expect(readTurbo({ code: 1, stdout, stderr: '' })).toEqual({ total: 6, failed: ['@ringfence/a#build', 'b#check:package'] })
  expect(readTurbo({ code: 0, stdout: ' Tasks:    6 successful, 6 total\n', stderr: '' })).toEqual({ total: 6, failed: [] })
})
