import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, inspect } from 'node:util'
import { isRingfenceError, isSecret, resolveSecret, type Secret, secret } from '@ringfence/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

const VALUE = 'sk-live-0123456789abcdef'

/** All that can be seen of a value. */
function everythingOf(value: unknown): string {
  return [
    String(value),
    `${value}`,
    JSON.stringify({ value }),
    inspect(value),
    inspect({ value }, { depth: 20, showHidden: true, getters: true }),
    inspect(value, { customInspect: false, showHidden: true, depth: 20 }),
    format('%s %o %O %j', value, value, value, value),
  ].join('\n')
}

async function failureOf(given: Secret): Promise<unknown> {
  try {
    await resolveSecret(given)
  } catch (error) {
    return error
  }
  throw new TypeError('It was resolved')
}

function fileWith(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-secret-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'token')
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

describe('a secret', () => {
  test('prints, inspects and serialises as its name', () => {
    const token = secret.from('TOKEN', () => VALUE)
    expect(String(token)).toBe('secret(TOKEN)')
    expect(inspect({ token })).toBe('{ token: secret(TOKEN) }')
    expect(JSON.stringify({ token })).toBe('{"token":{"secret":"TOKEN"}}')
    expect(Object.keys(token)).toEqual(['name'])
    expect({ ...token }).toEqual({ name: 'TOKEN' })
    expect(everythingOf(token)).not.toContain(VALUE)
    expect(() => Object.assign(token, { name: 'OTHER' })).toThrow()
  })

  test('is known as one, also across copies of the package; its JSON is none', async () => {
    const path = new URL('../src/secret/secret.ts?another-copy', import.meta.url).href
    const copy: { secret: typeof secret } = await import(path)
    expect(copy.secret).not.toBe(secret)
    expect(isSecret(copy.secret.env('A'))).toBe(true)
    for (const value of [
      null,
      undefined,
      'secret(A)',
      { name: 'A', source: { kind: 'env', variable: 'A' } },
      JSON.parse(JSON.stringify(secret.env('A'))),
    ])
      expect(isSecret(value)).toBe(false)
  })

  test('has the name of its variable or file, or the given one', () => {
    expect(secret.env('TOKEN').name).toBe('TOKEN')
    expect(secret.file('/run/token').name).toBe('/run/token')
    expect(secret.file('/run/token', 'TOKEN').name).toBe('TOKEN')
    expect(secret.command(['pass', 'show', 'token'], 'TOKEN').name).toBe('TOKEN')
  })
})

describe('resolveSecret', () => {
  test('reads a variable, late', async () => {
    const token = secret.env('RINGFENCE_TEST_TOKEN')
    vi.stubEnv('RINGFENCE_TEST_TOKEN', VALUE)
    onTestFinished(() => void vi.unstubAllEnvs())
    expect(await resolveSecret(token)).toBe(VALUE)
  })

  test('reads a file and a command, without one newline at the end', async () => {
    expect(await resolveSecret(secret.file(fileWith(`${VALUE}\n`)))).toBe(VALUE)
    expect(await resolveSecret(secret.file(fileWith(`${VALUE}\n\n`)))).toBe(`${VALUE}\n`)
    expect(await resolveSecret(secret.command(['printf', '%s\n', VALUE], 'TOKEN'))).toBe(VALUE)
    expect(await resolveSecret(secret.command(['printf', '%s %s', 'a b', '$HOME;"'], 'TOKEN'))).toBe('a b $HOME;"')
    expect(await resolveSecret(secret.from('TOKEN', async () => VALUE))).toBe(VALUE)
  })

  test('a command that asks for input reads its end at once', async () => {
    const error = await failureOf(secret.command(['cat'], 'TOKEN'))
    expect(isRingfenceError(error, 'config.invalid')).toBe(true)
    expect(await resolveSecret(secret.command(['sh', '-c', 'cat; echo after the end'], 'TOKEN'))).toBe('after the end')
  })

  test('what is not there is `secret.failed`, with the place to look at', async () => {
    for (const [given, words] of [
      [secret.env('RINGFENCE_TEST_UNSET'), 'RINGFENCE_TEST_UNSET'],
      [secret.file('/nonexistent/token'), 'file'],
      [secret.command(['/nonexistent/program'], 'TOKEN'), 'command'],
      [secret.command([], 'TOKEN'), 'command'],
      [secret.command(['false'], 'TOKEN'), 'command'],
      [secret.command(['sh', '-c', 'kill -9 $$'], 'TOKEN'), 'command'],
    ] as const) {
      const error = await failureOf(given)
      expect(error).toMatchObject({ code: 'secret.failed', effect: 'none' })
      expect(String(error)).toContain(words)
    }
  })

  test('what is no text is `secret.failed`', async () => {
    for (const value of [undefined, null, 12_345_678, { value: VALUE }]) {
      const given = secret.from('TOKEN', () => JSON.parse(JSON.stringify(value ?? null)))
      const error = await failureOf(given)
      expect(isRingfenceError(error, 'secret.failed')).toBe(true)
      expect(everythingOf(error)).not.toContain(VALUE)
    }
  })

  test('a value under 8 bytes is refused, and not told', async () => {
    for (const value of ['', 'a', 'hunter2']) {
      const error = await failureOf(secret.from('TOKEN', () => value))
      expect(error).toMatchObject({ code: 'config.invalid', effect: 'none' })
      if (value.length > 1) expect(everythingOf(error)).not.toContain(value)
    }
    expect(await resolveSecret(secret.from('TOKEN', () => 'ää12ää'))).toBe('ää12ää')
    expect(await resolveSecret(secret.from('TOKEN', () => 'hunter22'))).toBe('hunter22')
  })

  test('no error holds the value, whatever failed', async () => {
    for (const given of [
      secret.from('TOKEN', () => {
        throw new TypeError(`bad ${VALUE}`)
      }),
      secret.from('TOKEN', () => Promise.reject({ response: VALUE })),
      secret.command(['sh', '-c', `echo ${VALUE}; echo ${VALUE} >&2; exit 3`], 'TOKEN'),
      secret.command(['/nonexistent', VALUE], 'TOKEN'),
    ]) {
      const error = await failureOf(given)
      expect(isRingfenceError(error, 'secret.failed')).toBe(true)
      expect(everythingOf(error)).not.toContain(VALUE)
      expect(everythingOf(error)).toContain('TOKEN')
    }
  })
})
