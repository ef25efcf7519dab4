import { expectEqual, type Suite } from '@ringfence/testkit'
import { describeMutants, describeSuite } from '@ringfence/testkit/vitest'
import { expect, test } from 'vitest'

interface Counter {
  readonly next: () => number
}

const suite: Suite<Counter> = {
  name: 'counter',
  requirements: [
    { id: 'next.grows', behaviour: 'It grows by one.', run: async ({ next }) => expectEqual(next() + 1, next()) },
    { id: 'next.known', behaviour: 'It is negative.', run: async ({ next }) => expectEqual(next() < 0, true) },
  ],
}

let count = 0
const counter: Counter = { next: () => ++count }

describeSuite(suite, counter, { knownFailures: { 'next.known': 'it begins at one' } })
describeMutants(
  { name: 'counter, part', requirements: suite.requirements.slice(0, 1) },
  [{ id: 'stands-still', breaks: ['next.grows'], mutate: () => ({ next: () => 1 }) }],
  counter,
)

test('an empty suite and an unknown known failure are refused', () => {
  expect(() => describeSuite({ name: 'empty', requirements: [] }, counter)).toThrow('an empty run proves nothing')
  expect(() => describeSuite(suite, counter, { knownFailures: { gone: 'old' } })).toThrow('is no requirement of the suite')
})
