import { isRingfenceError, systemRuntime } from '@ringfence/core'
import { type E2bEmulator, type Fault, startE2bEmulator, whatIsMissing } from '@ringfence/emulators/e2b'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { newRequest, provider, sh } from './support.ts'

const missing = whatIsMissing()

/** The faults, and those of them that tell by themselves whether the request had its effect. */
const FAULTS: readonly (Fault & { readonly title: string; readonly refuses?: boolean })[] = [
  { title: 'asked to wait, with a time', kind: 'rate-limit', when: 'before', retryAfter: 1, refuses: true },
  { title: 'asked to wait, without a time', kind: 'rate-limit', when: 'before', refuses: true },
  { title: 'an error before the effect', kind: 'error', when: 'before' },
  { title: 'an error after the effect', kind: 'error', when: 'after' },
  { title: 'a page of HTML before the effect', kind: 'html', when: 'before' },
  { title: 'a page of HTML after the effect', kind: 'html', when: 'after' },
  { title: 'a cut before the effect', kind: 'drop', when: 'before' },
  { title: 'a cut after the effect', kind: 'drop', when: 'after' },
  { title: 'silence before the effect', kind: 'stall', when: 'before' },
  { title: 'silence after the effect', kind: 'stall', when: 'after' },
  { title: 'the death of the sandbox before', kind: 'death', when: 'before' },
  { title: 'the death of the sandbox after', kind: 'death', when: 'after' },
]

describe.skipIf(missing !== undefined)(`e2b, with a fault at each request in turn${missing ? ` (${missing})` : ''}`, () => {
  let emulator: E2bEmulator

  beforeAll(async () => {
    emulator = await startE2bEmulator()
  })
  afterEach(async () => {
    for (const id of emulator.ids()) await emulator.kill(id)
  })
  afterAll(() => emulator.close())

  /** Create, run, write, read, destroy. What was not done is thrown. */
  async function scenario(): Promise<void> {
    const e2b = provider(emulator, { sdk: { requestTimeoutMs: 2000 } })
    const sandbox = await e2b.create(newRequest(), systemRuntime)
    let failure: { readonly error: unknown } | undefined
    try {
      expect(await sh(sandbox, 'echo out; exit 3')).toEqual({ out: 'out\n', code: 3 })
      expect((await sh(sandbox, 'cat > "$HOME/workspace/file"', 'content')).code).toBe(0)
      expect((await sh(sandbox, 'cat "$HOME/workspace/file"')).out).toBe('content')
    } catch (error) {
      failure = { error }
    }
    try {
      await sandbox.destroy()
    } catch (error) {
      // As whoever uses it does: what is not known to be done is asked for again.
      await sandbox.destroy()
      failure ??= { error }
    }
    if (failure) throw failure.error
  }

  test.each(FAULTS)('$title', { timeout: 300_000 }, async ({ title: _, refuses, ...fault }) => {
    emulator.traffic.reset()
    await scenario()
    const count = emulator.traffic.requests.length
    expect(count).toBeGreaterThan(8)
    let failures = 0
    for (let number = 1; number <= count; number++) {
      emulator.traffic.reset()
      emulator.traffic.fail(number, fault)
      const error = await scenario().then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      const request = emulator.traffic.requests[number - 1]
      const where = `request ${number} of ${count}: ${request?.method} ${request?.path}`
      expect(emulator.ids(), `what is left after ${where}`).toEqual([])
      if (error === undefined) continue
      failures++
      if (!isRingfenceError(error)) throw new Error(`It is no RingfenceError, at ${where}`, { cause: error })
      expect(['none', 'unknown'], where).toContain(error.effect)
      if (refuses) expect([error.effect, typeof error.retry], where).toEqual(['none', 'object'])
      if (fault.kind === 'html' || fault.kind === 'error' || fault.kind === 'drop')
        expect(['provider.failed', 'sandbox.start-failed'], where).toContain(error.code)
      expect(error.message, where).not.toMatch(/<html|<!doctype/i)
    }
    expect(failures).toBeGreaterThan(0)
  })
})
