import type { BlobInfo, RefValue, SnapshotStore } from '@ringfence/core'
import { collectBytes } from '../../assert/assert.ts'
import type { Mutant } from '../requirement.ts'
import { digestOfBytes, inPieces, type SnapshotStoreSubject } from './subject.ts'

/** What a fault remembers of one place, across handles. */
interface Memory {
  readonly refs: Map<string, RefValue>
  readonly puts: BlobInfo[]
}

/** A mutant that wraps each handle of a place. */
function wrapping(
  id: string,
  breaks: readonly string[],
  wrap: (store: SnapshotStore, memory: Memory) => Partial<SnapshotStore>,
): Mutant<SnapshotStoreSubject> {
  return {
    id,
    breaks,
    mutate: (subject) => ({
      async place(context) {
        const place = await subject.place(context)
        const memory: Memory = { refs: new Map(), puts: [] }
        return {
          ...place,
          open: () => {
            const store = place.open()
            return { ...store, ...wrap(store, memory) }
          },
        }
      },
    }),
  }
}

/** Stores all that comes until the source ends or fails, and tells neither. */
async function* untilTrouble(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch {
    // The fault: a part is taken for the whole.
  }
}

/** Keeps the pieces without a copy, and reads them when the source has ended. */
async function keepPieces(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function* tornEarly(store: SnapshotStore, digest: string): AsyncGenerator<Uint8Array> {
  let first = true
  for await (const piece of store.get(digest)) {
    yield first ? piece : piece.subarray(0, piece.length - 1)
    first = false
  }
}

async function* unchecked(store: SnapshotStore, digest: string): AsyncGenerator<Uint8Array> {
  try {
    yield* store.get(digest)
  } catch {
    // The fault: damage and absence are taken for an end.
  }
}

const putMutants: readonly Mutant<SnapshotStoreSubject>[] = [
  wrapping('digest-of-first-piece', ['put.digest-and-size'], (store) => ({
    async put(bytes, options) {
      let first: Uint8Array | undefined
      const info = await store.put(
        (async function* () {
          for await (const piece of bytes) {
            first ??= Uint8Array.from(piece)
            yield piece
          }
        })(),
        options,
      )
      return first ? { ...info, digest: digestOfBytes(first) } : info
    },
  })),
  wrapping('empty-is-not-stored', ['put.empty'], (store) => ({
    async put(bytes, options) {
      const info = await store.put(bytes, options)
      if (info.size === 0) await store.delete(info.digest)
      return info
    },
  })),
  wrapping('same-content-is-listed-twice', ['put.same-again'], (store, { puts }) => ({
    async put(bytes, options) {
      const info = await store.put(bytes, options)
      puts.push(info)
      return info
    },
    async *list() {
      yield* puts
    },
  })),
  wrapping('keeps-the-buffers-of-the-source', ['put.reused-buffer'], (store) => ({
    put: async (bytes, options) => store.put(inPieces(await keepPieces(bytes), 1_000_000), options),
  })),
  wrapping('stores-until-the-source-fails', ['put.source-error'], (store) => ({
    put: (bytes, options) => store.put(untilTrouble(bytes), options),
  })),
  wrapping('abort-has-another-reason', ['put.abort'], (store) => ({
    async put(bytes, options) {
      try {
        return await store.put(bytes, options)
      } catch (error) {
        throw options?.signal?.aborted ? new DOMException('aborted', 'AbortError') : error
      }
    },
  })),
  wrapping('a-part-is-seen', ['put.atomic'], (store) => ({
    put: (bytes, options) =>
      store.put(
        (async function* () {
          for await (const piece of bytes) {
            await store.put(inPieces(piece, piece.length), options)
            yield piece
          }
        })(),
        options,
      ),
  })),
]

const blobMutants: readonly Mutant<SnapshotStoreSubject>[] = [
  wrapping('has-always', ['has.tells'], () => ({ has: async () => true })),
  wrapping('loses-a-byte', ['get.round-trip'], (store) => ({ get: (digest) => tornEarly(store, digest) })),
  wrapping('does-not-stream', ['get.round-trip'], (store) => ({
    async *get(digest, options) {
      yield await collectBytes(store.get(digest, options))
    },
  })),
  wrapping('errors-are-an-end', ['get.missing', 'get.corrupt'], (store) => ({ get: (digest) => unchecked(store, digest) })),
  wrapping('get-knows-no-signal', ['get.abort'], (store) => ({ get: (digest) => store.get(digest) })),
  wrapping('a-reader-that-leaves-removes', ['get.left-early'], (store) => ({
    async *get(digest, options) {
      let whole = false
      try {
        yield* store.get(digest, options)
        whole = true
      } finally {
        if (!whole) await store.delete(digest)
      }
    },
  })),
  wrapping('delete-does-nothing', ['delete.removes', 'has.tells'], () => ({ delete: async () => undefined })),
  wrapping('delete-wants-the-blob', ['delete.missing'], (store) => ({
    async delete(digest) {
      if (!(await store.has(digest))) await collectBytes(store.get(digest))
      await store.delete(digest)
    },
  })),
  wrapping('list-knows-no-empty-blob', ['list.complete'], (store) => ({
    async *list() {
      for await (const info of store.list()) if (info.size > 0) yield info
    },
  })),
  wrapping('digests-are-not-checked', ['digest.checked'], (store) => ({
    has: (digest) => (/^[0-9a-f]{64}$/.test(digest) ? store.has(digest) : Promise.resolve(false)),
  })),
]

const refMutants: readonly Mutant<SnapshotStoreSubject>[] = [
  wrapping('another-contract', ['identity'], () => ({ name: '' })),
  wrapping('absent-is-empty', ['ref.absent'], (store) => ({
    getRef: async (name) => (await store.getRef(name)) ?? { value: '', version: '0' },
  })),
  wrapping('create-is-not-seen-by-others', ['ref.create', 'ref.values'], (store) => {
    const own = new Set<string>()
    return {
      getRef: async (name) => (own.has(name) ? store.getRef(name) : undefined),
      async setRef(name, value, expected) {
        own.add(name)
        return store.setRef(name, value, expected)
      },
    }
  }),
  wrapping('create-replaces', ['ref.create-only'], (store) => ({
    setRef: async (name, value, expected) => store.setRef(name, value, expected ?? (await store.getRef(name))?.version ?? null),
  })),
  wrapping('replace-works-once', ['ref.replace'], (store, { refs }) => ({
    async setRef(name, value, expected) {
      if (expected !== null && refs.has(name)) return undefined
      const version = await store.setRef(name, value, expected)
      if (expected !== null) refs.set(name, { value, version: version ?? '' })
      return version
    },
  })),
  wrapping('replace-takes-any-version', ['ref.replace-stale', 'ref.version-changes'], (store) => ({
    async setRef(name, value, expected) {
      const present = await store.getRef(name)
      return store.setRef(name, value, expected === null ? null : (present?.version ?? expected))
    },
  })),
  wrapping('replace-creates', ['ref.replace-absent'], (store) => ({
    setRef: async (name, value, expected) => (await store.setRef(name, value, expected)) ?? (await store.setRef(name, value, null)),
  })),
  wrapping('version-is-the-digest', ['ref.version-changes'], (store) => {
    const shown = (value: string): string => digestOfBytes(new TextEncoder().encode(value))
    return {
      async getRef(name) {
        const found = await store.getRef(name)
        return found && { value: found.value, version: shown(found.value) }
      },
      async setRef(name, value, expected) {
        const present = await store.getRef(name)
        if (expected !== null && (!present || shown(present.value) !== expected)) return undefined
        return (await store.setRef(name, value, expected === null ? null : (present?.version ?? ''))) && shown(value)
      },
    }
  }),
  wrapping('looks-then-writes', ['ref.race-create', 'ref.race-replace'], (store, { refs }) => ({
    getRef: async (name) => refs.get(name),
    async setRef(name, value, expected) {
      if ((refs.get(name)?.version ?? null) !== expected) return undefined
      await store.has(digestOfBytes(new Uint8Array()))
      const version = `${value} after ${expected}`
      refs.set(name, { value, version })
      return version
    },
  })),
  wrapping('names-know-no-case', ['ref.names-apart'], (store) => ({
    getRef: (name) => store.getRef(name.toLowerCase()),
    setRef: (name, value, expected) => store.setRef(name.toLowerCase(), value, expected),
  })),
  wrapping('names-are-not-checked', ['ref.names-checked'], (store) => ({
    getRef: (name) => store.getRef(name.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 128) || '_'),
  })),
  wrapping('values-are-trimmed', ['ref.values'], (store) => ({
    setRef: (name, value, expected) => store.setRef(name, value.trim(), expected),
  })),
]

/** Stores with one fault each, made from any store that has none. */
export const snapshotStoreMutants: readonly Mutant<SnapshotStoreSubject>[] = [...putMutants, ...blobMutants, ...refMutants]
