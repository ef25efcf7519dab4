import { type NativeSnapshot, randomId, type SnapshotFacet, throwIfAborted } from '@ringfence/core'
import type { Control } from './control.ts'
import { errors } from './errors.ts'
import { hold, letGo } from './hold.ts'
import { inTurn, type Link, whenAwake } from './link.ts'

const ID = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/

/** Refuses what cannot be the id of a snapshot. */
export function checkSnapshotId(operation: string, { id }: NativeSnapshot): void {
  if (!ID.test(id)) throw errors.invalid(operation, `"${id}" is no id of a snapshot`, 'Hand on what was taken as it is.')
}

/** Snapshots that the vendor keeps until they are given up. */
export function snapshotsOf(link: Link, control: Control, check: (operation: string) => void): SnapshotFacet {
  const operation = 'snapshot.take'
  const { id: source } = link
  const keep = async (signal: AbortSignal | undefined): Promise<NativeSnapshot> => {
    throwIfAborted(signal)
    const name = randomId(link.client.context.random, 'ringfence')
    await hold(link, operation)
    try {
      // It cannot be cut off: what is asked for is done. So an abort waits for it, and gives it up.
      const id = await control.snapshot(operation, source, name)
      throwIfAborted(signal)
      return { provider: 'e2b', id, data: { source } }
    } catch (error) {
      // The first error tells more than one of the clean-up.
      await giveUp(control, source, name).catch(() => undefined)
      throw error
    } finally {
      await letGo(link, operation)
    }
  }
  return {
    async take({ signal } = {}) {
      check(operation)
      for (;;) {
        throwIfAborted(signal)
        await whenAwake(link, operation, signal)
        // It may have been paused until its turn came.
        const kept = await inTurn(link, operation, async () => (link.hold ? undefined : keep(signal)))
        if (kept) return kept
      }
    },
  }
}

/** Gives up what may have been kept although its answer was lost. */
async function giveUp(control: Control, source: string, name: string): Promise<void> {
  for (const { snapshotId, names } of await control.snapshots('snapshot.take', source))
    if (names.some((one) => one.includes(name))) await control.deleteSnapshot('snapshot.take', snapshotId)
}

/** Gives up a snapshot. An id may have been altered: what is no snapshot of its source is let be, since templates are deleted the same way. */
export async function deleteSnapshot(control: Control, snapshot: NativeSnapshot): Promise<void> {
  const operation = 'snapshot.delete'
  checkSnapshotId(operation, snapshot)
  const { source } = snapshot.data
  if (typeof source !== 'string')
    throw errors.invalid(operation, 'The snapshot does not say of which sandbox it is', 'Hand on what was taken as it is.')
  const known = await control.snapshots(operation, source)
  if (known.some(({ snapshotId }) => snapshotId === snapshot.id)) await control.deleteSnapshot(operation, snapshot.id)
}
