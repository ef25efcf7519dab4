import { RingfenceError } from '@ringfence/core'
import { collectBytes, expectBytes, expectEqual, expectReason } from '../../assert/assert.ts'
import type { Requirement } from '../requirement.ts'
import { digestOfBytes, digestsOf, inPieces, makeGate, type SnapshotStoreSubject, testBytes } from './subject.ts'

async function* failing(error: unknown): AsyncGenerator<Uint8Array> {
  yield testBytes(300_000, 1)
  throw error
}

/** A source that gives a piece and is stuck then. */
async function* stuck(onStuck: () => void): AsyncGenerator<Uint8Array> {
  yield testBytes(1_000, 2)
  onStuck()
  await new Promise(() => undefined)
}

/** A source that uses one buffer for all of its pieces. */
async function* reusing(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(size)
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    buffer.fill(0)
    buffer.set(piece)
    yield buffer.subarray(0, piece.length)
  }
  buffer.fill(0)
}

export const putRequirements: readonly Requirement<SnapshotStoreSubject>[] = [
  {
    id: 'put.digest-and-size',
    behaviour: 'A stored blob is named by the SHA-256 of its bytes, and its size is told, however the bytes were cut.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const bytes = testBytes(70_001, 3)
      for (const size of [1_000, 70_001, 4_096])
        expectEqual(await store.put(inPieces(bytes, size)), { digest: digestOfBytes(bytes), size: bytes.length }, 'The blob')
    },
  },
  {
    id: 'put.empty',
    behaviour: 'No bytes are a blob as well.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const { digest, size } = await store.put(inPieces(new Uint8Array(), 1))
      expectEqual({ digest, size }, { digest: digestOfBytes(new Uint8Array()), size: 0 }, 'The empty blob')
      expectEqual(await store.has(digest), true, 'has() of the empty blob')
      expectBytes(await collectBytes(store.get(digest)), new Uint8Array())
    },
  },
  {
    id: 'put.same-again',
    behaviour: 'The same content again, also at the same time, is no error and is there once.',
    async run(subject, context) {
      const place = await subject.place(context)
      const stores = [place.open(), place.open()]
      const bytes = testBytes(200_000, 4)
      const infos = await Promise.all([...stores, ...stores, ...stores].map((store) => store.put(inPieces(bytes, 9_999))))
      for (const info of infos) expectEqual(info, { digest: digestOfBytes(bytes), size: bytes.length }, 'The blob')
      for (const store of stores) {
        expectEqual(await digestsOf(store), [digestOfBytes(bytes)], 'The list')
        expectBytes(await collectBytes(store.get(digestOfBytes(bytes))), bytes)
      }
    },
  },
  {
    id: 'put.reused-buffer',
    behaviour: 'A source may use its buffer again for the next piece.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      for (const size of [1_000, 300_000]) {
        const bytes = testBytes(1_000_000, size)
        const { digest } = await store.put(reusing(bytes, size))
        expectBytes(await collectBytes(store.get(digest)), bytes)
      }
    },
  },
  {
    id: 'put.source-error',
    behaviour: 'An error of the source comes through as it is, and nothing is stored.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const error = new RingfenceError('internal.invariant', 'The source of the test is broken')
      await expectReason(store.put(failing(error)), error, 'Storing from a broken source')
      expectEqual(await digestsOf(store), [], 'The list')
    },
  },
  {
    id: 'put.abort',
    behaviour: 'An abort rejects with its reason, also while the source is stuck, and nothing is stored.',
    async run(subject, context) {
      const store = (await subject.place(context)).open()
      const reason = { aborted: 'by the test' }
      await expectReason(store.put(inPieces(testBytes(10, 5), 5), { signal: AbortSignal.abort(reason) }), reason, 'An aborted put')
      const abort = new AbortController()
      const running = store.put(
        stuck(() => abort.abort(reason)),
        { signal: abort.signal },
      )
      await expectReason(running, reason, 'A put that is aborted')
      expectEqual(await digestsOf(store), [], 'The list')
    },
  },
  {
    id: 'put.atomic',
    behaviour: 'While a blob is stored, a reader sees nothing of it.',
    async run(subject, context) {
      const place = await subject.place(context)
      const store = place.open()
      const other = place.open()
      const bytes = testBytes(600_000, 6)
      const half = makeGate()
      const rest = makeGate()
      context.defer(rest.open)
      const running = store.put(
        (async function* () {
          yield bytes.subarray(0, 300_000)
          half.open()
          await rest.opened
          yield bytes.subarray(300_000)
        })(),
      )
      await Promise.race([half.opened, running])
      const seen = await digestsOf(other)
      const parts = [digestOfBytes(bytes), digestOfBytes(bytes.subarray(0, 300_000))]
      const had = await Promise.all(parts.map((digest) => other.has(digest)))
      rest.open()
      await running
      expectEqual({ seen, had }, { seen: [], had: [false, false] }, 'What is seen of half a blob')
      expectBytes(await collectBytes(other.get(digestOfBytes(bytes))), bytes)
    },
  },
]
