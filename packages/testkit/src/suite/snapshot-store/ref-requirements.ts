import type { SnapshotStore } from '@ringfence/core'
import { expectCode, expectEqual, expectTrue, failCheck } from '../../assert/assert.ts'
import type { Requirement } from '../requirement.ts'
import type { SnapshotStoreSubject } from './subject.ts'

/** Creates a reference; a store that does not is at fault. */
async function create(store: SnapshotStore, name: string, value: string): Promise<string> {
  return (await store.setRef(name, value, null)) ?? failCheck(`The reference "${name}" could not be created`)
}

/** Replaces a reference; a store that does not is at fault. */
async function replace(store: SnapshotStore, name: string, value: string, expected: string): Promise<string> {
  return (await store.setRef(name, value, expected)) ?? failCheck(`The reference "${name}" could not be replaced`)
}

const INVALID_NAMES = ['', 'a/b', '../a', 'a b', 'ä', 'a\0', 'a\n', 'a:b', 'a~', 'x'.repeat(129)]

export const refRequirements: readonly Requirement<SnapshotStoreSubject>[] = [
  {
    id: 'ref.absent',
    behaviour: 'A reference that nobody wrote is `undefined`.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      expectEqual(await store.getRef('head'), undefined, 'A reference in an empty store')
      await create(store, 'other', 'value')
      expectEqual(await store.getRef('head'), undefined, 'A reference beside another')
    },
  },
  {
    id: 'ref.create',
    behaviour: 'A created reference has its value and the version that was told, for every handle.',
    async run(subject, context) {
      const place = await subject.place(context)
      const store = place.open()
      const version = await create(store, 'head', 'one')
      for (const handle of [store, place.open()]) expectEqual(await handle.getRef('head'), { value: 'one', version }, 'The reference')
    },
  },
  {
    id: 'ref.create-only',
    behaviour: 'Creating what is there already writes nothing and gives `undefined`.',
    async run(subject, context) {
      const place = await subject.place(context)
      const store = place.open()
      const version = await create(store, 'head', 'one')
      for (const handle of [store, place.open()]) expectEqual(await handle.setRef('head', 'two', null), undefined, 'Creating it again')
      expectEqual(await store.getRef('head'), { value: 'one', version }, 'The reference')
    },
  },
  {
    id: 'ref.replace',
    behaviour: 'A reference is replaced by whoever names its present version, as often as wanted.',
    async run(subject, context) {
      const place = await subject.place(context)
      let version = await create(place.open(), 'head', 'value 0')
      for (let index = 1; index <= 25; index += 1) {
        version = await replace(place.open(), 'head', `value ${index}`, version)
        expectEqual(await place.open().getRef('head'), { value: `value ${index}`, version }, 'The reference')
      }
    },
  },
  {
    id: 'ref.replace-stale',
    behaviour: 'Replacing an older version writes nothing and gives `undefined`.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const first = await create(store, 'head', 'one')
      const second = await replace(store, 'head', 'two', first)
      expectEqual(await store.setRef('head', 'three', first), undefined, 'Replacing an older version')
      expectEqual(await store.getRef('head'), { value: 'two', version: second }, 'The reference')
    },
  },
  {
    id: 'ref.replace-absent',
    behaviour: 'Replacing what is not there, or an invented version, writes nothing and gives `undefined`.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const version = await create(store, 'head', 'one')
      expectEqual(await store.setRef('other', 'two', version), undefined, 'Replacing what is not there')
      expectEqual(await store.getRef('other'), undefined, 'What is not there')
      for (const invented of ['', 'x', `${version}0`, '../head']) {
        expectEqual(await store.setRef('head', 'two', invented), undefined, `Replacing the version ${JSON.stringify(invented)}`)
      }
      expectEqual(await store.getRef('head'), { value: 'one', version }, 'The reference')
    },
  },
  {
    id: 'ref.version-changes',
    behaviour: 'Each write gives another version, also of the same value: an old version is never right again.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const versions = [await create(store, 'head', 'a')]
      for (const value of ['a', 'b', 'a', 'b', 'a']) versions.push(await replace(store, 'head', value, versions.at(-1) ?? ''))
      expectEqual(new Set(versions).size, versions.length, 'The number of versions')
      for (const old of versions.slice(0, -1)) expectEqual(await store.setRef('head', 'c', old), undefined, 'An old version')
    },
  },
  {
    id: 'ref.race-create',
    behaviour: 'Of many that create one reference at once, one wins, and its value stands.',
    async run(subject, context) {
      const place = await subject.place(context)
      const stores = Array.from({ length: 16 }, () => place.open())
      const versions = await Promise.all(stores.map((store, index) => store.setRef('head', `value ${index}`, null)))
      const winners = versions.flatMap((version, index) => (version === undefined ? [] : [{ value: `value ${index}`, version }]))
      expectEqual(winners.length, 1, 'The number of winners')
      expectEqual(await place.open().getRef('head'), winners[0], 'The reference')
    },
  },
  {
    id: 'ref.race-replace',
    behaviour: 'Of many that replace one version at once, one wins; readers see the old or the new value.',
    async run(subject, context) {
      const place = await subject.place(context)
      const stores = Array.from({ length: 16 }, () => place.open())
      let present = { value: 'start', version: await create(place.open(), 'head', 'start') }
      for (let round = 0; round < 5; round += 1) {
        const { version: expected } = present
        const attempts = stores.map((store, index) => store.setRef('head', `value ${round}.${index}`, expected))
        const seen = await Promise.all(stores.map((store) => store.getRef('head')))
        const versions = await Promise.all(attempts)
        const winners = versions.flatMap((version, index) => (version === undefined ? [] : [{ value: `value ${round}.${index}`, version }]))
        const [winner = failCheck('Nobody won')] = winners
        expectEqual(winners.length, 1, 'The number of winners')
        for (const one of seen)
          expectTrue(
            one !== undefined && [present, winner].some(({ value, version }) => value === one.value && version === one.version),
            `A reader saw ${JSON.stringify(one)}, which is neither the old nor the new value`,
          )
        expectEqual(await place.open().getRef('head'), winner, 'The reference')
        present = winner
      }
    },
  },
  {
    id: 'ref.names-apart',
    behaviour: 'Every name of the allowed characters is a reference of its own, also `.`, `..` and names that differ in case.',
    async run(subject, context) {
      const place = await subject.place(context)
      const names = ['.', '..', '...', 'a', 'A', 'aB', 'Ab', 'a.', '-a', '_', '.tmp', 'head', 'x'.repeat(128), 'X'.repeat(128)]
      const store = place.open()
      for (const name of names) await create(store, name, `value of ${name}`)
      for (const name of names) expectEqual((await place.open().getRef(name))?.value, `value of ${name}`, `The reference "${name}"`)
    },
  },
  {
    id: 'ref.names-checked',
    behaviour: 'What is no name is `config.invalid`, before the storage sees it.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      for (const name of INVALID_NAMES) {
        await expectCode(() => store.getRef(name), 'config.invalid', `getRef() of ${JSON.stringify(name)}`)
        await expectCode(() => store.setRef(name, 'value', null), 'config.invalid', `setRef() of ${JSON.stringify(name)}`)
      }
    },
  },
  {
    id: 'ref.values',
    behaviour: 'A value is any text: empty, with newlines, beyond ASCII, long.',
    async run(subject, context) {
      const place = await subject.place(context)
      const values = ['', '\n', ' a ', 'a\r\nb\n', '{"id":"ä€😀"}', 'x'.repeat(65_536)]
      for (const [index, value] of values.entries()) {
        await create(place.open(), `name-${index}`, value)
        expectEqual((await place.open().getRef(`name-${index}`))?.value, value, 'The value')
      }
    },
  },
]
