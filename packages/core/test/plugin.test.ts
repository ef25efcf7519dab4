import { execFileSync } from 'node:child_process'
import { type CreateRequest, type ErrorCode, isolatesAtLeast, type Profile } from '@ringfence/core'
import { checkCreate, checkLifetime, checkSpawn, checkTerminalSize, providerErrors, quote, quoteAll } from '@ringfence/core/plugin'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const errors = providerErrors('acme')
const profile: Profile = {
  name: 'acme',
  facets: { lifetime: 'always', pty: 'never', snapshot: 'never', suspend: 'never' },
  wire: {
    output: 'bytes',
    delivery: 'live',
    stdin: 'none',
    kill: 'none',
    user: false,
    start: 'once',
    maxArgvBytes: 100,
    pids: 'shared',
    openChannel: 'free',
  },
  isolation: 'container',
  egress: { tier: 'block', enforcedBy: 'a test', open: false },
  limits: ['memoryBytes'],
  user: 'root',
  find: 'none',
  maxLifetimeMs: 60_000,
  persistence: 'none',
  coldStart: { ms: 1, source: 'a test', date: '2026-01-01' },
}
const request: CreateRequest = {
  ref: { installation: 'i', runId: 'run_1', intentId: 'a.b-c' },
  isolation: 'process',
  egress: 'none',
  limits: { memoryBytes: 1 },
  lifetimeMs: 60_000,
}
const coded = (code: ErrorCode): unknown => expect.objectContaining({ code, effect: 'none', provider: 'acme' })

describe('quote', () => {
  test('plain words stay as they are; what a shell would take for its own does not', () => {
    expect(quoteAll(['npm', 'run', '--flag=value', './a/b.ts', 'user@host:22', '50%'])).toBe(
      'npm run --flag=value ./a/b.ts user@host:22 50%',
    )
    expect(quoteAll(['', "it's", 'a b', '$HOME', '~', '*', 'A=b', 'if', 'done'])).toBe(
      `'' 'it'\\''s' 'a b' '$HOME' '~' '*' 'A=b' 'if' 'done'`,
    )
    expect(() => quote('a\0b')).toThrow(expect.objectContaining({ code: 'config.invalid' }))
  })

  test('a shell reads any words back as they were', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^[ -~\n\t]*$/),
      fc.constantFrom('-n', '-', '--', 'if', 'A=b', '!', '{', '#x', '\\', "'", "''", '\n'),
    )
    const words = fc.array(
      word.filter((text) => !/\0|\p{Surrogate}/u.test(text)),
      { minLength: 1, maxLength: 40 },
    )
    const print = 'for one do printf "%s\\0" "$one"; done'
    fc.assert(
      fc.property(words, (given) => {
        const output = execFileSync('sh', ['-c', `set -- ${quoteAll(given)}\n${print}`], { encoding: 'utf8' })
        expect(output.split('\0').slice(0, -1)).toEqual(given)
      }),
      { numRuns: 60 },
    )
  })

  test('the first word is a program, also when it looks like a word of the shell', () => {
    for (const word of ['A=b', 'if', 'for', '{', '!', '~', '50%', '#'])
      expect(() => execFileSync('sh', ['-c', quoteAll([word, 'x'])], { stdio: 'pipe' })).toThrow(/not found/)
  })
})

describe('checkCreate', () => {
  test('lets through what the profile gives', () => {
    expect(() => checkCreate(request, profile, errors)).not.toThrow()
    expect(() => checkCreate({ ...request, isolation: 'container', limits: { memoryBytes: undefined } }, profile, errors)).not.toThrow()
  })

  test('refuses what it does not give', () => {
    for (const wrong of [
      { isolation: 'gvisor' },
      { egress: 'open' },
      { limits: { cpus: 1 } },
    ] as const satisfies readonly Partial<CreateRequest>[])
      expect(() => checkCreate({ ...request, ...wrong }, profile, errors)).toThrow(coded('feature.unsupported'))
    const bare: Profile = { ...profile, egress: { tier: 'none', enforcedBy: 'nothing', open: 'all' } }
    expect(() => checkCreate(request, bare, errors)).toThrow(coded('feature.unsupported'))
    expect(() => checkCreate({ ...request, egress: 'open' }, bare, errors)).not.toThrow()
  })

  test('refuses names that are not safe in a path, and numbers that are none', () => {
    for (const part of ['', '.', '..', 'a/b', 'a b', 'ä', 'a\n', 'x'.repeat(65), '\0'])
      expect(() => checkCreate({ ...request, ref: { ...request.ref, runId: part } }, profile, errors), part).toThrow(
        coded('config.invalid'),
      )
    for (const part of ['...', '.a', 'a', 'x'.repeat(64), '_-.'])
      expect(() => checkCreate({ ...request, ref: { ...request.ref, runId: part } }, profile, errors)).not.toThrow()
    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => checkCreate({ ...request, limits: { memoryBytes: value } }, profile, errors)).toThrow(coded('config.invalid'))
      expect(() => checkLifetime(value, profile, errors)).toThrow(coded('config.invalid'))
    }
    expect(() => checkLifetime(60_001, profile, errors)).toThrow(coded('config.invalid'))
    expect(() => checkLifetime(60_001, { ...profile, maxLifetimeMs: null }, errors)).not.toThrow()
  })
})

describe('checkSpawn and checkTerminalSize', () => {
  test('refuse what no process can have', () => {
    for (const argv of [[], [''], ['a\0'], ['a', 'b\0'], ['x'.repeat(100)], Array.from({ length: 51 }, () => 'x')])
      expect(() => checkSpawn(argv, {}, profile, errors)).toThrow(coded('config.invalid'))
    for (const argv of [['a', ''], ['x'.repeat(99)], Array.from({ length: 50 }, () => 'x')])
      expect(() => checkSpawn(argv, {}, profile, errors)).not.toThrow()
    for (const asked of [{ user: 'root' }, { stdin: true }])
      expect(() => checkSpawn(['a'], asked, profile, errors)).toThrow(coded('feature.unsupported'))
  })

  test('refuse a terminal that is none', () => {
    expect(() => checkTerminalSize({ columns: 1, rows: 65_535 }, errors)).not.toThrow()
    for (const value of [0, -1, 1.5, 65_536, Number.NaN]) {
      expect(() => checkTerminalSize({ columns: value, rows: 24 }, errors)).toThrow(coded('config.invalid'))
      expect(() => checkTerminalSize({ columns: 80, rows: value }, errors)).toThrow(coded('config.invalid'))
    }
  })
})

test('isolations are ordered', () => {
  expect(isolatesAtLeast('none', 'none')).toBe(true)
  expect(isolatesAtLeast('microvm', 'gvisor')).toBe(true)
  expect(isolatesAtLeast('process', 'container')).toBe(false)
})
