import { createHash } from 'node:crypto'
import type { SnapshotStore } from '@ringfence/core'
import type { RequirementContext } from '../requirement.ts'

/** An empty place that stores can be opened over. */
export interface SnapshotStorePlace {
  /** Another handle to the place, as another process would have it. */
  open(): SnapshotStore
  /** Changes a byte of a stored blob behind the back of the store. */
  damage(digest: string): Promise<void>
}

/** A kind of snapshot store, as the suite takes it. */
export interface SnapshotStoreSubject {
  /** An empty place of its own for each call; it goes away with `context.defer`. */
  place(context: RequirementContext): Promise<SnapshotStorePlace>
}

/** The bytes as a stream of pieces of at most so many. */
export async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** The name of a blob of these bytes. */
export function digestOfBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Bytes that are no text and do not repeat soon; the same for the same seed. */
export function testBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed + 1) * 2_654_435_761
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

/** All digests of a store, sorted. */
export async function digestsOf(store: SnapshotStore): Promise<readonly string[]> {
  const digests: string[] = []
  for await (const { digest } of store.list()) digests.push(digest)
  return digests.sort()
}

/** A gate that is shut until it is opened. */
export function makeGate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
