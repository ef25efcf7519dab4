import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fsSnapshots } from '@ringfence/snapshot-store-fs'
import { type SnapshotStoreSubject, snapshotStoreMutants, snapshotStoreSuite } from '@ringfence/testkit'
import { describeMutants, describeSuite } from '@ringfence/testkit/vitest'

const subject: SnapshotStoreSubject = {
  async place(context) {
    const folder = await mkdtemp(join(tmpdir(), 'ringfence-snapshots-'))
    context.defer(() => rm(folder, { recursive: true, force: true }))
    const directory = join(folder, 'store')
    return {
      open: () => fsSnapshots({ directory }),
      async damage(digest) {
        const file = await open(join(directory, 'blobs', digest.slice(0, 2), digest.slice(2)), 'r+')
        await file.write(Buffer.from([0xaa, 0x55]), 0, 2, 7)
        await file.close()
      },
    }
  },
}

describeSuite(snapshotStoreSuite, subject)
describeMutants(snapshotStoreSuite, snapshotStoreMutants, subject)
