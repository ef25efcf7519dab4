import { type Clock, isRingfenceError, systemRuntime } from '@ringfence/core'
import {
  conformanceError,
  expectBytes,
  expectCode,
  expectEqual,
  expectReason,
  expectTrue,
  type Feature,
  formatMutants,
  type Mutant,
  type Requirement,
  runMutants,
  runRequirement,
  runSuite,
  type Suite,
} from '@ringfence/testkit'
import { describe, expect, test } from 'vitest'

interface Adder {
  readonly add: (a: number, b: number) => number
  readonly negate?: ((a: number) => number) | undefined
  readonly declaresNegate: boolean
}

const good: Adder = { add: (a, b) => a + b, negate: (a) => -a, declaresNegate: true }

const negate: Feature<Adder> = {
  name: 'negate',
  declared: (subject) => subject.declaresNegate,
  refused: async (subject) => expectTrue(subject.negate === undefined, 'It has the member all the same'),
}

const suite: Suite<Adder> = {
  name: 'adder',
  requirements: [
    { id: 'add.sum', behaviour: 'It adds.', run: async ({ add }) => expectEqual(add(2, 3), 5) },
    { id: 'add.zero', behaviour: 'Zero changes nothing.', run: async ({ add }) => expectEqual(add(7, 0), 7) },
    { id: 'negate.sign', behaviour: 'It negates.', needs: negate, run: async (subject) => expectEqual(subject.negate?.(2), -2) },
  ],
}

const mutants: readonly Mutant<Adder>[] = [
  { id: 'multiplies', breaks: ['add.sum', 'add.zero'], mutate: (subject) => ({ ...subject, add: (a, b) => a * b }) },
  { id: 'keeps-sign', breaks: ['negate.sign'], mutate: (subject) => ({ ...subject, negate: (a) => a }) },
]

const single = (run: Requirement<null>['run']): Requirement<null> => ({ id: 'only.one', behaviour: 'It holds.', run })

describe('runRequirement', () => {
  test('passes, fails, and refuses', async () => {
    const [sum, , sign] = suite.requirements
    if (!sum || !sign) throw conformanceError('The suite is empty')
    expect(await runRequirement(sum, good)).toEqual({ id: 'add.sum', behaviour: 'It adds.', outcome: 'passed' })
    const failed = await runRequirement(sum, { ...good, add: () => 4 })
    expect(failed.outcome).toBe('failed')
    expect(failed.error?.code).toBe('conformance.failed')
    expect(failed.error?.message).toBe('add.sum: It adds.\nThe value is 4; expected 5')
    expect((await runRequirement(sign, { ...good, declaresNegate: false, negate: undefined })).outcome).toBe('refused')
    const present = await runRequirement(sign, { ...good, declaresNegate: false })
    expect(present.outcome).toBe('failed')
    expect(present.error?.message).toContain('not declared')
  })

  test('a known failure must fail', async () => {
    const [sum] = suite.requirements
    if (!sum) throw conformanceError('The suite is empty')
    expect((await runRequirement(sum, { ...good, add: () => 4 }, { knownFailure: 'bug 1' })).outcome).toBe('known-failure')
    const mended = await runRequirement(sum, good, { knownFailure: 'bug 1' })
    expect(mended.outcome).toBe('failed')
    expect(mended.error?.message).toContain('bug 1')
  })

  test('calls the cleanups, the last first, also after a failure; one that throws fails it', async () => {
    const order: string[] = []
    const result = await runRequirement(
      single(async (_, { defer }) => {
        defer(() => void order.push('first'))
        defer(async () => {
          order.push('second')
          throw conformanceError('busy')
        })
        defer(() => void order.push('third'))
      }),
      null,
    )
    expect(order).toEqual(['third', 'second', 'first'])
    expect(result.outcome).toBe('failed')
    expect(result.error?.message).toContain('cleanup failed: busy')
  })

  test('a requirement that does not end fails by its deadline, and is cleaned up', async () => {
    let cleaned = 0
    let reason: unknown
    // The deadline comes when the test says so: a clock that wakes at once.
    const clock: Clock = { ...systemRuntime.clock, sleep: async (ms, options) => systemRuntime.clock.sleep(Math.min(ms, 20), options) }
    const result = await runRequirement(
      single(async (_, context) => {
        context.defer(() => {
          cleaned += 1
        })
        context.signal.addEventListener('abort', () => {
          reason = context.signal.reason
        })
        await new Promise(() => undefined)
      }),
      null,
      { timeoutMs: 5_000, runtime: { ...systemRuntime, clock } },
    )
    expect(result.outcome).toBe('failed')
    expect(result.error?.message).toContain('did not end within 5000 ms')
    expect(isRingfenceError(reason, 'conformance.failed')).toBe(true)
    expect(cleaned).toBe(1)
  })

  test('a stopped run rejects with the reason, after its cleanups', async () => {
    const stop = new AbortController()
    const reason = { stopped: true }
    let cleaned = false
    const running = runRequirement(
      single(async (_, context) => {
        context.defer(() => {
          cleaned = true
        })
        stop.abort(reason)
        await new Promise(() => undefined)
      }),
      null,
      { signal: stop.signal },
    )
    await expectReason(running, reason)
    expect(cleaned).toBe(true)
    await expectReason(
      runRequirement(
        single(async () => undefined),
        null,
        { signal: stop.signal },
      ),
      reason,
    )
  })
})

describe('runSuite', () => {
  test('reports in the order of the suite, also in parallel', async () => {
    const seen: string[] = []
    const report = await runSuite(suite, good, { parallel: 3, onResult: ({ id }) => seen.push(id) })
    expect(report.results.map(({ id }) => id)).toEqual(['add.sum', 'add.zero', 'negate.sign'])
    expect(seen.toSorted()).toEqual(['add.sum', 'add.zero', 'negate.sign'])
    expect(report.counts).toEqual({ passed: 3, refused: 0, 'known-failure': 0, failed: 0 })
    expect(report.ok).toBe(true)
  })

  test('one failure is not ok, and the others run', async () => {
    const report = await runSuite(suite, { ...good, add: (a, b) => a * b }, { knownFailures: { 'add.zero': 'bug 2' } })
    expect(report.results.map(({ outcome }) => outcome)).toEqual(['failed', 'known-failure', 'passed'])
    expect(report.ok).toBe(false)
  })

  test('chooses by id and by the beginning of ids', async () => {
    expect((await runSuite(suite, good, { only: ['add'] })).results).toHaveLength(2)
    expect((await runSuite(suite, good, { only: ['negate.sign', 'add.sum'] })).results).toHaveLength(2)
  })

  test('an empty run, and names of nothing, are failures', async () => {
    await expectCode(runSuite({ name: 'none', requirements: [] }, good), 'conformance.failed')
    await expectCode(runSuite(suite, good, { only: [] }), 'config.invalid')
    await expectCode(runSuite(suite, good, { only: ['ad'] }), 'config.invalid')
    await expectCode(runSuite(suite, good, { knownFailures: { 'add.none': 'gone' } }), 'conformance.failed')
    const [one] = suite.requirements
    await expectCode(runSuite({ name: 'twice', requirements: one ? [one, one] : [] }, good), 'conformance.failed')
    await expectCode(runSuite(suite, good, { parallel: 0 }), 'config.invalid')
  })
})

describe('runMutants', () => {
  test('is ok when each requirement is failed by a mutant', async () => {
    const report = await runMutants(suite, mutants, good, { full: true })
    expect(report.problems).toEqual([])
    expect(formatMutants(report)).toBe(
      [
        '  1  multiplies',
        '  2  keeps-sign',
        '',
        '               1  2',
        'add.sum        x  o',
        'add.zero       x  o',
        'negate.sign    o  x',
        '',
      ].join('\n'),
    )
    const chosen = await runMutants(suite, mutants, good, { baseline: await runSuite(suite, good) })
    expect(chosen.mutants[0]?.outcomes).toEqual({ 'add.sum': 'killed', 'add.zero': 'killed' })
  })

  test('finds a requirement that cannot fail, a mutant that is not caught, and a bad subject', async () => {
    const loose: Suite<Adder> = {
      name: 'loose',
      requirements: [...suite.requirements, { id: 'add.any', behaviour: 'It cannot fail.', run: async () => undefined }],
    }
    const unproven = await runMutants(loose, mutants, good)
    expect(unproven.problems).toEqual(['"add.any" is failed by no mutant: it may be unable to fail'])
    const harmless = await runMutants(suite, [...mutants, { id: 'same', breaks: ['add.sum'], mutate: (subject) => subject }], good)
    expect(harmless.problems).toEqual(['"add.sum" does not fail on the mutant "same"'])
    expect(formatMutants(harmless)).toContain('problem: "add.sum" does not fail')
    const bad = await runMutants(suite, mutants, { ...good, negate: (a) => a })
    expect(bad.ok).toBe(false)
    expect(bad.problems[0]).toContain('does not hold on the subject without a fault')
  })

  test('tells of each mutant as it ends', async () => {
    const rows: unknown[] = []
    const lenient: Mutant<Adder> = { id: 'same', breaks: ['add.sum'], mutate: (subject) => subject }
    const report = await runMutants(suite, [...mutants, lenient], good, { onMutant: (row) => rows.push(row) })
    expect(rows).toEqual([
      { id: 'multiplies', outcomes: { 'add.sum': 'killed', 'add.zero': 'killed' } },
      { id: 'keeps-sign', outcomes: { 'negate.sign': 'killed' } },
      { id: 'same', outcomes: { 'add.sum': 'survived' } },
    ])
    expect(report.mutants).toEqual(rows)
  })

  test('proves nothing of what is known to fail', async () => {
    const knownFailures = { 'negate.sign': 'bug 3' }
    const bad: Adder = { ...good, negate: (a) => a }
    for (const full of [false, true]) {
      const report = await runMutants(suite, mutants, bad, { knownFailures, full })
      expect(report.problems).toEqual([])
      expect(report.requirements).toEqual(['add.sum', 'add.zero'])
      expect(report.mutants[1]?.outcomes['negate.sign']).toBeUndefined()
    }
    await expectCode(runMutants(suite, mutants, bad, { knownFailures: { 'add.none': 'gone' } }), 'conformance.failed')
  })

  test('refuses mutants that name what is not there', async () => {
    await expectCode(runMutants(suite, [{ id: 'a', breaks: [], mutate: (s) => s }], good), 'conformance.failed')
    await expectCode(runMutants(suite, [{ id: 'a', breaks: ['x.y'], mutate: (s) => s }], good), 'conformance.failed')
    await expectCode(runMutants(suite, [...mutants, ...mutants], good), 'conformance.failed')
  })
})

describe('the assertions', () => {
  test('say what differs', async () => {
    expect(() => expectBytes(Buffer.from('abc'), Buffer.from('abd'))).toThrow('differ from byte 2 on')
    expect(() => expectEqual({ a: 1 }, { a: 2 }, 'The object')).toThrow('The object is { a: 1 }; expected { a: 2 }')
    await expect(expectCode(Promise.resolve(3), 'fs.failed', 'Reading')).rejects.toThrow('Reading gave 3; expected an error')
    await expect(
      expectCode(() => {
        throw new TypeError('boom')
      }, 'fs.failed'),
    ).rejects.toThrow('TypeError: boom')
    await expect(expectReason(Promise.reject(1), 2)).rejects.toThrow('the reason of the signal itself')
  })
})
