import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRingfenceError, type JournalStore, sha256 } from '@ringfence/core'
import { afterAll, describe, expect, it } from 'vitest'
import { fsJournal, memoryJournal } from '../src/index.ts'
import { chain, readAll } from './support/records.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'
import { tracked } from './support/tracked-store.ts'

const code = (name: string) => (error: unknown) => isRingfenceError(error) && error.code === name
const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

type Runtime = ReturnType<typeof skewedRuntime>

/** Two processes that look at one journal, where there can be two. */
const makers: Record<string, (runtime: Runtime) => Promise<readonly [JournalStore, JournalStore]>> = {
  async memory(runtime) {
    const store = memoryJournal({ runtime })
    return [store, store]
  },
  async fs(runtime) {
    const directory = join(await mkdtemp(join(tmpdir(), 'harness-journal-')), 'deep', 'journals')
    folders.push(join(directory, '..', '..'))
    return [tracked(fsJournal({ directory, runtime })), tracked(fsJournal({ directory, runtime }))]
  },
}

describe.each(Object.entries(makers))('the %s journal', (_, make) => {
  const runId = 'run_x'
  const open = (store: JournalStore, holder = 'one') => store.open({ runId, holder, leaseMs: 30_000 })

  it('gives back what was appended, from any place on, in one or in several at once', async () => {
    const [store] = await make(skewedRuntime())
    expect(await open(store)).toEqual({ epoch: 1, length: 0 })
    const records = chain(runId, 1, 10)
    await store.append(runId, records.slice(0, 1))
    await store.append(runId, records.slice(1, 4))
    await Promise.all([
      store.append(runId, records.slice(4, 6)),
      store.append(runId, records.slice(6, 7)),
      store.append(runId, records.slice(7)),
    ])
    expect(await readAll(store, runId)).toEqual(records)
    expect(await readAll(store, runId, 3)).toEqual(records.slice(3))
    expect(await readAll(store, runId, 10)).toEqual([])
    await store.release(runId, 1)
    expect(await open(store)).toEqual({ epoch: 2, length: 10 })
    await store.append(runId, chain(runId, 2, 1, records[9]))
    expect(await readAll(store, runId)).toHaveLength(11)
  })

  it('takes the same record again for a lost acknowledgement, and another for a conflict', async () => {
    const [store] = await make(skewedRuntime())
    await open(store)
    const records = chain(runId, 1, 4)
    await store.append(runId, records.slice(0, 2))
    await store.append(runId, records.slice(0, 2))
    await store.append(runId, records.slice(1, 3))
    const [, , third] = records
    await expect(store.append(runId, third ? [{ ...third, recordId: 'other' }] : [])).rejects.toSatisfy(code('journal.conflict'))
    const [, , , late] = records
    await expect(store.append(runId, late ? [{ ...late, seq: 5 }] : [])).rejects.toSatisfy(code('journal.conflict'))
    await expect(store.append(runId, late ? [{ ...late, prevHash: 'x' }] : [])).rejects.toSatisfy(code('journal.conflict'))
    expect(await readAll(store, runId)).toEqual(records.slice(0, 3))
  })

  it('lets one holder drive at a time, and fences the one before', async () => {
    const runtime = skewedRuntime()
    const [store, other] = await make(runtime)
    await open(store, 'one')
    const records = chain(runId, 1, 2)
    await store.append(runId, records.slice(0, 1))
    await expect(open(other, 'two')).rejects.toSatisfy(code('run.busy'))
    expect(await other.lease(runId)).toMatchObject({ epoch: 1, holder: 'one' })
    runtime.skip(20_000)
    await store.renew(runId, { epoch: 1, leaseMs: 30_000 })
    runtime.skip(20_000)
    await expect(open(other, 'two')).rejects.toSatisfy(code('run.busy'))
    runtime.skip(20_000)
    expect(await other.lease(runId)).toBeUndefined()
    expect(await open(other, 'two')).toEqual({ epoch: 2, length: 1 })
    await expect(store.append(runId, records.slice(1))).rejects.toSatisfy(code('run.fenced'))
    await expect(store.renew(runId, { epoch: 1, leaseMs: 30_000 })).rejects.toSatisfy(code('run.fenced'))
    await store.release(runId, 1)
    expect(await store.lease(runId)).toMatchObject({ epoch: 2, holder: 'two' })
    await other.append(runId, chain(runId, 2, 1, records[0]))
    expect((await readAll(store, runId)).map(({ epoch }) => epoch)).toEqual([1, 2])
    await other.release(runId, 2)
    expect(await store.lease(runId)).toBeUndefined()
    await expect(other.append(runId, chain(runId, 2, 1))).rejects.toSatisfy(code('run.fenced'))
  })

  it('gives one of many that open at once the run', async () => {
    const [store, other] = await make(skewedRuntime())
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, (_unused, index) => open(index % 2 ? store : other, `holder ${index}`)),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of tries) if (one.status === 'rejected') expect(code('run.busy')(one.reason)).toBe(true)
  })

  it('keeps blobs by their digests', async () => {
    const [store, other] = await make(skewedRuntime())
    await open(store)
    const bytes = Buffer.from('x'.repeat(100_000))
    const digest = await store.putBlob(runId, bytes)
    expect(digest).toBe(sha256(bytes))
    expect(await store.putBlob(runId, bytes)).toBe(digest)
    expect(Buffer.from(await other.getBlob(runId, digest)).equals(bytes)).toBe(true)
    await expect(store.getBlob(runId, sha256('other'))).rejects.toSatisfy(code('journal.corrupt'))
  })

  it('lists its runs, and knows no others', async () => {
    const [store, other] = await make(skewedRuntime())
    const listed = async () => {
      const found: string[] = []
      for await (const { runId: id, length } of other.list()) found.push(`${id} ${length}`)
      return found.sort()
    }
    expect(await listed()).toEqual([])
    await open(store)
    await store.open({ runId: 'run_y', holder: 'one', leaseMs: 30_000 })
    await store.append(runId, chain(runId, 1, 3))
    expect(await listed()).toEqual(['run_x 3', 'run_y 0'])
    await expect(readAll(store, 'run_z')).rejects.toSatisfy(code('run.not-found'))
    await expect(store.append('run_z', chain('run_z', 1, 1))).rejects.toSatisfy(code('run.not-found'))
    await expect(store.lease('run_z')).rejects.toSatisfy(code('run.not-found'))
    for (const bad of ['', '..', 'a/b', '.hidden', 'x'.repeat(65)])
      await expect(store.open({ runId: bad, holder: 'one', leaseMs: 1 })).rejects.toSatisfy(code('config.invalid'))
  })
})
