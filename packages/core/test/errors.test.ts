import { inspect } from 'node:util'
import { abortable, ERROR_CODES, isRingfenceError, parseWith, RingfenceError, throwIfAborted } from '@ringfence/core'
import { providerErrors } from '@ringfence/core/plugin'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

describe('RingfenceError', () => {
  test('carries what recovery and people need', () => {
    const cause = new TypeError('socket closed')
    const error = new RingfenceError('provider.failed', 'The call "x" failed', {
      provider: 'acme',
      operation: 'sandbox.create',
      hint: 'Try again.',
      retry: { afterMs: 500 },
      effect: 'done',
      details: { status: 500 },
      cause,
    })
    expect(error).toBeInstanceOf(Error)
    expect(error.message).toBe('acme: The call "x" failed')
    expect(error.cause).toBe(cause)
    expect(String(error)).toBe('RingfenceError: acme: The call "x" failed')
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'RingfenceError',
      code: 'provider.failed',
      message: 'acme: The call "x" failed',
      hint: 'Try again.',
      details: { status: 500 },
      retry: { afterMs: 500 },
      effect: 'done',
      provider: 'acme',
      operation: 'sandbox.create',
    })
  })

  test('has careful defaults, and its JSON never holds the cause', () => {
    const error = new RingfenceError('fs.failed', 'It failed', { cause: new TypeError('said by a vendor') })
    expect(error).toMatchObject({ retry: 'never', effect: 'unknown', details: {}, hint: undefined })
    expect(JSON.stringify(error)).not.toContain('vendor')
    expect('cause' in new RingfenceError('fs.failed', 'It failed')).toBe(false)
    expect(inspect(error)).toContain('fs.failed')
  })

  test('is recognised across copies of the package', async () => {
    const path = new URL('../src/errors/ringfence-error.ts?another-copy', import.meta.url).href
    const copy: { RingfenceError: typeof RingfenceError; isRingfenceError: typeof isRingfenceError } = await import(path)
    expect(copy.RingfenceError).not.toBe(RingfenceError)
    const theirs = new copy.RingfenceError('run.busy', 'It is driven')
    const ours = new RingfenceError('run.busy', 'It is driven')
    expect(theirs).not.toBeInstanceOf(RingfenceError)
    for (const error of [theirs, ours])
      for (const recognise of [isRingfenceError, copy.isRingfenceError]) {
        expect(recognise(error)).toBe(true)
        expect(recognise(error, 'run.busy')).toBe(true)
        expect(recognise(error, 'run.fenced')).toBe(false)
      }
  })

  test('nothing else is recognised', () => {
    const alike = { name: 'RingfenceError', code: 'run.busy', message: 'It is driven' }
    for (const value of [
      undefined,
      null,
      'run.busy',
      0,
      alike,
      new Error('run.busy'),
      JSON.parse(JSON.stringify(new RingfenceError('run.busy', 'x'))),
    ])
      expect(isRingfenceError(value)).toBe(false)
  })

  test('every code has a title, a cause and a hint, as sentences of the catalogue', () => {
    for (const [code, { title, cause, hint }] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^[a-z]+\.[a-z-]+$/)
      expect(title).toMatch(/^[A-Z].*[^.]$/)
      for (const text of [cause, hint]) expect(text).toMatch(/^[A-Z].*\.$/)
    }
    expect(Object.keys(ERROR_CODES)).toEqual(Object.keys(ERROR_CODES).toSorted())
  })
})

describe('parseWith', () => {
  const schema = z.strictObject({ list: z.array(z.object({ n: z.number() })), either: z.union([z.literal('a'), z.number()]).optional() })

  test('gives what the schema gives', () => {
    expect(parseWith(schema, { list: [{ n: 1 }] }, 'The value')).toEqual({ list: [{ n: 1 }] })
  })

  test('names the place, and each form of a union', () => {
    expect(() => parseWith(schema, { list: [{ n: 1 }, { n: 'x' }] }, 'The value')).toThrow('The value is not valid at "list.1.n": ')
    expect(() => parseWith(schema, { list: [], either: 'b' }, 'The value')).toThrow(/at "either": .*"a".*; or: .*number/)
    expect(() => parseWith(schema, 3, 'The value')).toThrow('The value is not valid: ')
    try {
      parseWith(schema, { list: [{}, {}] }, 'The value')
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'config.invalid', effect: 'none' })
      expect(error).toMatchObject({ details: { issues: [{ path: ['list', '0', 'n'] }, { path: ['list', '1', 'n'] }] } })
    }
  })
})

describe('abortable', () => {
  /** What is not handled while a test runs. */
  const watchUnhandled = (): unknown[] => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', listener)
    onTestFinished(() => void process.off('unhandledRejection', listener))
    return unhandled
  }
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  test('gives the value or the error of the promise', async () => {
    const { signal } = new AbortController()
    expect(await abortable(Promise.resolve(1), signal)).toBe(1)
    expect(await abortable(Promise.resolve(1), undefined)).toBe(1)
    await expect(abortable(Promise.reject(new TypeError('x')), signal)).rejects.toThrow('x')
  })

  test('rejects with the very reason, and a late error of the promise ends nothing', async () => {
    const unhandled = watchUnhandled()
    for (const early of [true, false]) {
      const abort = new AbortController()
      const reason = { early }
      let fail = (_: unknown): void => undefined
      const promise = new Promise<never>((_, reject) => {
        fail = reject
      })
      if (early) abort.abort(reason)
      const waiting = abortable(promise, abort.signal)
      abort.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      fail(new TypeError('late'))
      await settle()
    }
    expect(unhandled).toEqual([])
  })

  test('leaves no listener', async () => {
    const { signal, added } = countListeners(new AbortController().signal)
    await abortable(Promise.resolve(1), signal)
    await abortable(Promise.reject(new TypeError('x')), signal).catch(() => undefined)
    expect(added()).toBe(0)
  })

  test('throwIfAborted throws the reason', () => {
    const reason = { why: 'test' }
    expect(() => throwIfAborted(undefined)).not.toThrow()
    expect(() => throwIfAborted(new AbortController().signal)).not.toThrow()
    expect(() => throwIfAborted(AbortSignal.abort(reason))).toThrow(expect.objectContaining(reason))
  })
})

/** A signal that counts the listeners it has. */
function countListeners(signal: AbortSignal): { signal: AbortSignal; added(): number } {
  let count = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count += 1
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count -= 1
    removeEventListener.apply(signal, args)
  }
  return { signal, added: () => count }
}

describe('providerErrors', () => {
  test('speak in the name of the provider, and say what was done', () => {
    const errors = providerErrors('acme')
    const all = [
      errors.invalid('sandbox.create', 'It is wrong', 'Correct it.'),
      errors.unsupported('sandbox.spawn', 'pty', 'Use another.'),
      errors.unavailable('sandbox.create', 'It is not here', 'Install it.'),
      errors.startFailed('It did not start', 'Look at its log.'),
      errors.closed('sandbox.spawn', 'id'),
      errors.spawnFailed(['prog', 'x'], 'not found'),
    ]
    for (const error of all) expect(error.effect).toBe('none')
    for (const error of [...all, errors.gone('x', 'id'), errors.stdinLost(), errors.failed('x', 'It broke')]) {
      expect(error.message).toMatch(/^acme: /)
      expect(error.provider).toBe('acme')
      expect(error.operation).toBeDefined()
    }
    expect(errors.unsupported('sandbox.spawn', 'pty', 'x').details).toEqual({ feature: 'pty' })
    expect(errors.failed('x', 'It broke').effect).toBe('unknown')
  })
})
