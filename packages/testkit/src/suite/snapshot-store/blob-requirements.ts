import { collectBytes, expectBytes, expectCode, expectEqual, expectReason, expectTrue } from '../../assert/assert.ts'
import type { Requirement } from '../requirement.ts'
import { digestOfBytes, digestsOf, inPieces, type SnapshotStoreSubject, testBytes } from './subject.ts'

const MISSING = digestOfBytes(new TextEncoder().encode('this content is in no store'))

export const blobRequirements: readonly Requirement<SnapshotStoreSubject>[] = [
  {
    id: 'has.tells',
    behaviour: 'A blob is there from its storing until its removal, for every handle.',
    async run(subject, context) {
      const place = await subject.place(context)
      const store = place.open()
      const bytes = testBytes(5_000, 7)
      expectEqual(await store.has(digestOfBytes(bytes)), false, 'has() before')
      const { digest } = await store.put(inPieces(bytes, 5_000))
      for (const handle of [store, place.open()]) expectEqual(await handle.has(digest), true, 'has() between')
      await store.delete(digest)
      for (const handle of [store, place.open()]) expectEqual(await handle.has(digest), false, 'has() after')
    },
  },
  {
    id: 'get.round-trip',
    behaviour: 'A blob comes back byte for byte, in pieces, also from another handle.',
    async run(subject, context) {
      const place = await subject.place(context)
      const bytes = testBytes(8 * 1024 * 1024 + 17, 8)
      const { digest } = await place.open().put(inPieces(bytes, 65_536))
      const pieces: Uint8Array[] = []
      for await (const piece of place.open().get(digest)) pieces.push(piece)
      expectBytes(Buffer.concat(pieces), bytes)
      const largest = Math.max(...pieces.map((piece) => piece.length))
      expectTrue(largest <= 4 * 1024 * 1024, `A piece has ${largest} bytes: 8 MiB do not come as a stream`)
    },
  },
  {
    id: 'get.missing',
    behaviour: 'A blob that is not there is `snapshot.not-found`.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      await expectCode(collectBytes(store.get(MISSING)), 'snapshot.not-found', 'Reading what is not there')
    },
  },
  {
    id: 'get.corrupt',
    behaviour: 'Damaged bytes are `snapshot.corrupt`, at the latest at the end; storing the content again mends them.',
    async run(subject, context) {
      const place = await subject.place(context)
      const store = place.open()
      const bytes = testBytes(400_000, 9)
      const { digest } = await store.put(inPieces(bytes, 100_000))
      await place.damage(digest)
      await expectCode(collectBytes(store.get(digest)), 'snapshot.corrupt', 'Reading a damaged blob')
      await store.put(inPieces(bytes, 100_000))
      expectBytes(await collectBytes(store.get(digest)), bytes)
    },
  },
  {
    id: 'get.abort',
    behaviour: 'An abort ends the reading with its reason.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const { digest } = await store.put(inPieces(testBytes(4 * 1024 * 1024, 10), 65_536))
      const reason = { aborted: 'by the test' }
      await expectReason(collectBytes(store.get(digest, { signal: AbortSignal.abort(reason) })), reason, 'An aborted get')
      const abort = new AbortController()
      const reading = async (): Promise<void> => {
        for await (const _ of store.get(digest, { signal: abort.signal })) abort.abort(reason)
      }
      await expectReason(reading(), reason, 'A get that is aborted')
    },
  },
  {
    id: 'get.left-early',
    behaviour: 'A reader may leave early; the blob can be read again and removed.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const bytes = testBytes(2 * 1024 * 1024, 11)
      const { digest } = await store.put(inPieces(bytes, 65_536))
      for (let round = 0; round < 20; round += 1) for await (const _ of store.get(digest)) break
      expectBytes(await collectBytes(store.get(digest)), bytes)
      await store.delete(digest)
      expectEqual(await store.has(digest), false, 'has() after the removal')
    },
  },
  {
    id: 'delete.removes',
    behaviour: 'A removed blob is gone, the others stay, and it can be stored again.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const [first, second] = [testBytes(100, 12), testBytes(100, 13)]
      const gone = await store.put(inPieces(first, 100))
      const kept = await store.put(inPieces(second, 100))
      await store.delete(gone.digest)
      await expectCode(collectBytes(store.get(gone.digest)), 'snapshot.not-found', 'Reading a removed blob')
      expectEqual(await digestsOf(store), [kept.digest], 'The list')
      await store.put(inPieces(first, 100))
      expectBytes(await collectBytes(store.get(gone.digest)), first)
    },
  },
  {
    id: 'delete.missing',
    behaviour: 'Removing what is not there is no error, also in a store that nobody wrote to, and twice.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      await store.delete(MISSING)
      const { digest } = await store.put(inPieces(testBytes(10, 14), 10))
      await store.delete(digest)
      await store.delete(digest)
    },
  },
  {
    id: 'list.complete',
    behaviour: 'The list has every blob once, with its size; it is empty where nobody wrote.',
    async run(subject, context) {
      const place = await subject.place(context)
      const store = place.open()
      expectEqual(await digestsOf(store), [], 'The list of an empty store')
      const expected = new Map<string, number>()
      for (let index = 0; index < 40; index += 1) {
        const bytes = testBytes(index * 100, 15)
        await store.put(inPieces(bytes, 1_000))
        expected.set(digestOfBytes(bytes), bytes.length)
      }
      await store.setRef('head', 'a reference is no blob', null)
      const found: [string, number][] = []
      for await (const { digest, size } of place.open().list()) found.push([digest, size])
      expectEqual(found.length, expected.size, 'The number of blobs')
      expectEqual(new Map(found.sort()), new Map([...expected].sort()), 'The list')
    },
  },
  {
    id: 'digest.checked',
    behaviour: 'What is no digest is `config.invalid`, before the storage sees it.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      for (const digest of ['', 'abc', MISSING.toUpperCase(), `${MISSING}0`, `../${MISSING.slice(3)}`, `${MISSING}\n`]) {
        const what = `of ${JSON.stringify(digest)}`
        await expectCode(() => store.has(digest), 'config.invalid', `has() ${what}`)
        await expectCode(() => collectBytes(store.get(digest)), 'config.invalid', `get() ${what}`)
        await expectCode(() => store.delete(digest), 'config.invalid', `delete() ${what}`)
      }
    },
  },
]
