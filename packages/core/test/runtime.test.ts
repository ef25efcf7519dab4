import { canonicalJson, digestOf, randomId, sha256, systemClock, systemRandom, systemRuntime } from '@ringfence/core'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.useRealTimers()
})

describe('systemClock', () => {
  test('tells wall time, and a time that never goes back', () => {
    const before = Date.now()
    expect(systemClock.now()).toBeGreaterThanOrEqual(before)
    const readings = Array.from({ length: 1_000 }, () => systemClock.monotonic())
    expect(readings).toEqual(readings.toSorted((a, b) => a - b))
  })

  test('sleeps, and an abort wakes it with its reason', async () => {
    await systemClock.sleep(1)
    const abort = new AbortController()
    const reason = { why: 'test' }
    const sleeping = systemClock.sleep(600_000, { signal: abort.signal })
    abort.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    await expect(systemClock.sleep(1, { signal: abort.signal })).rejects.toBe(reason)
  })

  test('leaves neither a listener nor a timer', async () => {
    vi.useFakeTimers()
    const abort = new AbortController()
    const added = vi.spyOn(abort.signal, 'addEventListener')
    const removed = vi.spyOn(abort.signal, 'removeEventListener')
    for (let round = 0; round < 50; round += 1) {
      const sleeping = systemClock.sleep(1_000, { signal: abort.signal })
      await vi.advanceTimersByTimeAsync(1_000)
      await sleeping
    }
    expect(added).toHaveBeenCalledTimes(50)
    expect(removed).toHaveBeenCalledTimes(50)
    const sleeping = systemClock.sleep(1_000, { signal: abort.signal })
    abort.abort()
    await expect(sleeping).rejects.toThrow('aborted')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('waits longer than a timer can', async () => {
    vi.useFakeTimers()
    const days = 60 * 24 * 60 * 60 * 1_000
    let awake = false
    const sleeping = systemClock.sleep(days).then(() => {
      awake = true
    })
    await vi.advanceTimersByTimeAsync(days - 1)
    expect(awake).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await sleeping
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('random', () => {
  test('ids are path-safe, of their length, and do not repeat', () => {
    const ids = Array.from({ length: 1_000 }, () => randomId(systemRuntime.random, 'run'))
    for (const id of ids) expect(id).toMatch(/^run_[0-9a-hjkmnp-tv-z]{20}$/)
    expect(new Set(ids).size).toBe(1_000)
    expect(randomId(systemRandom, 'x', 3)).toMatch(/^x_.{3}$/)
    expect(randomId({ bytes: (length) => new Uint8Array(length).fill(255) }, 'x', 2)).toBe('x_zz')
    expect(systemRandom.bytes(16)).toHaveLength(16)
  })
})

describe('canonicalJson', () => {
  test('does not depend on the order of keys, and leaves undefined out', () => {
    expect(canonicalJson({ b: 1, a: { d: [3, { z: 1, y: undefined }], c: null } })).toBe('{"a":{"c":null,"d":[3,{"z":1}]},"b":1}')
    expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1, c: undefined }))
    expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]))
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(sha256('ä')).toBe(sha256(Buffer.from('ä')))
  })

  test('is JSON of the same value, and the same for every order', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
        const reversed = JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
          typeof inner === 'object' && inner !== null && !Array.isArray(inner)
            ? Object.fromEntries(Object.entries(inner).reverse())
            : inner,
        )
        expect(canonicalJson(reversed)).toBe(canonicalJson(value))
      }),
    )
  })
})
