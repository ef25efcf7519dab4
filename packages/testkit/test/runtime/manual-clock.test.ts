import { describe, expect, test } from 'vitest'
import { manualClock } from '../../src/runtime/index.ts'

describe('a manual clock', () => {
  test('stands still until it is moved, and wakes in order', async () => {
    const clock = manualClock({ start: 1000 })
    const woken: string[] = []
    const sleepers = [
      clock.sleep(200).then(() => woken.push(`late ${clock.monotonic()}`)),
      clock.sleep(100, { unref: true }).then(() => woken.push(`early ${clock.monotonic()}`)),
    ]
    expect(clock.sleeping).toBe(2)
    await clock.advance(99)
    expect(woken).toEqual([])
    expect(clock.now()).toBe(1099)
    await clock.advance(500)
    await Promise.all(sleepers)
    expect(woken).toEqual(['early 100', 'late 200'])
    expect(clock.monotonic()).toBe(599)
    expect(clock.sleeps).toEqual([200])
  })

  test('wakes what sleeps again within the time that is moved', async () => {
    const clock = manualClock()
    let beats = 0
    const stop = new AbortController()
    const beating = (async () => {
      for (;;) {
        await clock.sleep(10, { signal: stop.signal })
        beats++
      }
    })()
    await clock.advance(100)
    expect(beats).toBe(10)
    stop.abort('enough')
    await expect(beating).rejects.toBe('enough')
    expect(clock.sleeping).toBe(0)
  })

  test('rejects with the reason of a signal, before and during a sleep', async () => {
    const clock = manualClock()
    const stop = new AbortController()
    const asleep = clock.sleep(10, { signal: stop.signal })
    stop.abort('reason')
    await expect(asleep).rejects.toBe('reason')
    await expect(clock.sleep(10, { signal: stop.signal })).rejects.toBe('reason')
  })

  test('tells when something sleeps', async () => {
    const clock = manualClock()
    const two = clock.whenSleeping(2)
    const sleepers = [clock.sleep(1), clock.sleep(2)]
    await two
    await clock.advance(2)
    await Promise.all(sleepers)
  })

  test('moves by itself, but not for deadlines in the background', async () => {
    const clock = manualClock({ autoAdvance: true })
    const stop = new AbortController()
    let passed = false
    const deadline = clock.sleep(1000, { unref: true, signal: stop.signal }).then(() => {
      passed = true
    })
    await Promise.all([clock.sleep(300), clock.sleep(200)])
    expect(clock.monotonic()).toBe(300)
    expect(passed).toBe(false)
    await clock.sleep(900)
    await deadline
    expect(passed).toBe(true)
    expect(clock.monotonic()).toBe(1200)
  })
})
