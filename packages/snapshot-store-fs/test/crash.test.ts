import { cp, readdir, rename, rm, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isRingfenceError, type SnapshotStore, sha256, systemRuntime } from '@ringfence/core'
import { fsSnapshots } from '@ringfence/snapshot-store-fs'
import { collectBytes, expectCode } from '@ringfence/testkit'
import { describe, expect, test } from 'vitest'
import { type FileSystem, systemFiles } from '../src/file-system.ts'
import { storeOver } from '../src/fs-snapshots.ts'
import { pathsBelow, storeDirectory, streamOf } from './helpers.ts'

const STOPPED = Symbol('the machine has stopped')

/** A disk that stops before its n-th change, and then loses all that was not synced. */
interface FaultyDisk {
  readonly files: FileSystem
  /** Changes so far. */
  readonly steps: () => number
  /** Takes away what no sync brought to the disk: content of files, and names that a rename gave. */
  lose(): Promise<void>
}

function faultyDisk(stopBefore: number, fault: unknown = STOPPED): FaultyDisk {
  let step = 0
  let stopped = false
  const unsyncedFiles = new Set<string>()
  const unsyncedRenames: { from: string; to: string }[] = []
  const change = async <T>(work: () => Promise<T>): Promise<T> => {
    step += 1
    if (step === stopBefore) stopped = fault === STOPPED
    if (stopped || step === stopBefore) throw fault
    return work()
  }
  const files: FileSystem = {
    ...systemFiles,
    makeDirectory: (path) => change(() => systemFiles.makeDirectory(path)),
    create: (path) =>
      change(async () => {
        const file = await systemFiles.create(path)
        unsyncedFiles.add(path)
        return {
          // A write that does not fit has written a part.
          write: (bytes) =>
            change(() => file.write(bytes)).catch(async (error: unknown) => {
              await file.write(bytes.subarray(0, bytes.length / 2))
              throw error
            }),
          sync: () =>
            change(async () => {
              await file.sync()
              unsyncedFiles.delete(path)
            }),
          close: () => file.close(),
        }
      }),
    rename: (from, to) =>
      change(async () => {
        await systemFiles.rename(from, to)
        unsyncedRenames.push({ from, to })
        if (unsyncedFiles.delete(from)) unsyncedFiles.add(to)
      }),
    unlink: (path) => change(() => systemFiles.unlink(path)),
    remove: (path) => change(() => systemFiles.remove(path)),
    syncDirectory: (path) =>
      change(async () => {
        await systemFiles.syncDirectory(path)
        for (const [index, { to }] of [...unsyncedRenames.entries()].reverse()) if (dirname(to) === path) unsyncedRenames.splice(index, 1)
      }),
  }
  return {
    files,
    steps: () => step,
    async lose() {
      // The empty head of a reference has no content to lose.
      for (const path of unsyncedFiles) await truncate(path, 0).catch(() => undefined)
      for (const { from, to } of unsyncedRenames.toReversed()) await rename(to, from).catch(() => undefined)
    },
  }
}

const PIECES = [Buffer.alloc(300_000, 1), Buffer.alloc(5_000, 2)]
const WHOLE = Buffer.concat(PIECES)
const DIGEST = sha256(WHOLE)

/** Does some work on a copy of a store, with a stop before each change in turn; then looks at what is left. */
async function atEachStep(
  begin: (store: SnapshotStore) => Promise<void>,
  work: (store: SnapshotStore) => Promise<unknown>,
  look: (store: SnapshotStore, acknowledged: boolean, directory: string) => Promise<void>,
): Promise<number> {
  const seed = storeDirectory()
  await begin(fsSnapshots({ directory: seed }))
  let steps = 0
  for (let stop = 1; ; stop += 1) {
    const directory = `${seed}-${stop}`
    await cp(seed, directory, { recursive: true })
    const disk = faultyDisk(stop)
    let acknowledged = true
    try {
      await work(storeOver(directory, disk.files, systemRuntime))
    } catch (error) {
      if (!isRingfenceError(error, 'snapshot.failed')) throw error
      acknowledged = false
    }
    steps = Math.max(steps, disk.steps())
    const unharmed = disk.steps() < stop
    await disk.lose()
    await look(fsSnapshots({ directory }), acknowledged, directory)
    await rm(directory, { recursive: true })
    if (unharmed) return steps
  }
}

async function contentOf(store: SnapshotStore): Promise<Uint8Array | undefined> {
  return (await store.has(DIGEST)) ? collectBytes(store.get(DIGEST)) : undefined
}

describe('a machine that stops at any step, and loses what was not synced', () => {
  test('has all of a blob or nothing, and all of it once that was said', async () => {
    const steps = await atEachStep(
      async (store) => void (await store.put(streamOf('another'))),
      (store) => store.put(streamOf(...PIECES)),
      async (store, acknowledged) => {
        const content = await contentOf(store)
        if (acknowledged) expect(content).toBeDefined()
        if (content) expect(Buffer.compare(content, WHOLE)).toBe(0)
        expect(await store.put(streamOf(...PIECES))).toEqual({ digest: DIGEST, size: WHOLE.length })
        expect(Buffer.compare((await contentOf(store)) ?? Buffer.alloc(0), WHOLE)).toBe(0)
        expect(Buffer.from(await collectBytes(store.get(sha256('another')))).toString()).toBe('another')
      },
    )
    expect(steps).toBeGreaterThan(8)
  })

  test('has a created reference or none', async () => {
    const steps = await atEachStep(
      async (store) => void (await store.put(streamOf('another'))),
      (store) => store.setRef('head', 'first', null),
      async (store, acknowledged) => {
        const found = await store.getRef('head')
        if (acknowledged) expect(found).toBeDefined()
        if (found) expect(found.value).toBe('first')
        else expect(await store.setRef('head', 'second', null)).toBeDefined()
      },
    )
    expect(steps).toBeGreaterThan(8)
  })

  test('has the old or the new value of a reference, and can replace it', async () => {
    const steps = await atEachStep(
      async (store) => void (await store.setRef('head', 'old', null)),
      async (store) => store.setRef('head', 'new', (await store.getRef('head'))?.version ?? null),
      async (store, acknowledged, directory) => {
        const found = await store.getRef('head')
        expect(acknowledged ? ['new'] : ['old', 'new']).toContain(found?.value)
        expect(await store.setRef('head', 'newer', found?.version ?? null)).toBeDefined()
        expect((await store.getRef('head'))?.value).toBe('newer')
        expect((await readdir(join(directory, 'refs', 'head~'))).filter((name) => name.startsWith('head.'))).toHaveLength(1)
      },
    )
    expect(steps).toBeGreaterThan(8)
  })
})

test('a full disk is told, leaves nothing, and the next put works', async () => {
  for (let stop = 1; ; stop += 1) {
    const directory = storeDirectory()
    await fsSnapshots({ directory }).put(streamOf('another'))
    const before = await pathsBelow(directory)
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    const disk = faultyDisk(stop, full)
    const store = storeOver(directory, disk.files, systemRuntime)
    const putting = store.put(streamOf(...PIECES))
    const outcome = await putting.then(
      () => 'stored',
      () => 'failed',
    )
    if (disk.steps() < stop) break
    if (outcome === 'stored') continue
    const error = await expectCode(putting, 'snapshot.failed')
    expect(error.message).toContain('the disk is full')
    expect(error.cause).toBe(full)
    if (error.effect === 'none') {
      const shard = join('blobs', DIGEST.slice(0, 2))
      expect((await pathsBelow(directory)).filter((path) => path !== shard)).toEqual(before)
    }
    expect(await store.put(streamOf(...PIECES))).toEqual({ digest: DIGEST, size: WHOLE.length })
  }
})
