import { throwIfAborted } from '@ringfence/core'
import { CURRENT_FORMAT, FORMATS } from './formats.ts'
import { isMovingTree, notFound, takeError } from './snapshot-errors.ts'
import type { RestoreSnapshotOptions, TakeSnapshotOptions } from './snapshot-options.ts'
import { parseSnapshotRef, type SnapshotRef } from './snapshot-ref.ts'

/** A tree that changes while it is read is read again, so many times in all. */
const TRIES = 3

/**
 * Stores the whole workspace. It streams, and what leaves the sandbox is checked before it is stored. Owners, set-id and sticky
 * bits are not kept; sockets, FIFOs and devices are left out.
 *
 * @throws `snapshot.failed` when something cannot be read or keeps changing, `archive.*` for what the sandbox made up, what the store
 *   throws, the reason of the signal. Nothing is stored under the reference then.
 */
export async function takeSnapshot(options: TakeSnapshotOptions): Promise<SnapshotRef> {
  for (let tries = 1; ; tries++) {
    throwIfAborted(options.signal)
    try {
      return await FORMATS[CURRENT_FORMAT].take(options)
    } catch (error) {
      throwIfAborted(options.signal)
      if (tries >= TRIES || !isMovingTree(error)) throw takeError(error)
    }
  }
}

/**
 * Makes the workspace what a snapshot holds: what else is in it is removed, but for what is left out. The tree that came to be is then
 * read back and compared.
 *
 * @throws `snapshot.not-found` and `config.invalid` before anything is changed; `snapshot.corrupt` with the `differences` as details,
 *   `snapshot.failed`, `fs.*`, `feature.unsupported`, the reason of the signal. The sandbox is of no use then.
 */
export async function restoreSnapshot(options: RestoreSnapshotOptions): Promise<void> {
  throwIfAborted(options.signal)
  const ref = parseSnapshotRef(options.ref)
  if (!(await options.store.has(ref.id))) throw notFound(ref.id)
  await FORMATS[ref.format].restore({ ...options, ref })
}
