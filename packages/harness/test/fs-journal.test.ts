import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRingfenceError, recordHash } from '@ringfence/core'
import { afterAll, describe, expect, it } from 'vitest'
import { fsJournal } from '../src/index.ts'
import { chain, readAll } from './support/records.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'
import { tracked } from './support/tracked-store.ts'

const code = (name: string) => (error: unknown) => isRingfenceError(error) && error.code === name
const runId = 'run_x'
const folders: string[] = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function setUp(batches: readonly number[]) {
  const directory = await mkdtemp(join(tmpdir(), 'harness-fs-'))
  folders.push(directory)
  const runtime = skewedRuntime()
  const store = tracked(fsJournal({ directory, runtime }))
  await store.open({ runId, holder: 'one', leaseMs: 30_000 })
  const records = chain(
    runId,
    1,
    batches.reduce((total, size) => total + size, 0),
  )
  let from = 0
  for (const size of batches) {
    await store.append(runId, records.slice(from, from + size))
    from += size
  }
  return { directory, runtime, store, records, file: join(directory, runId, 'journal.jsonl') }
}

describe('the files of a journal', () => {
  it('are for their owner alone', async () => {
    const { directory, store } = await setUp([2])
    await store.putBlob(runId, Buffer.from('x'))
    const modes: Record<string, number> = {}
    for (const entry of await readdir(directory, { recursive: true })) modes[entry] = (await stat(join(directory, entry))).mode & 0o777
    expect(Object.entries(modes).filter(([path, mode]) => mode !== (path.endsWith('x') || path.endsWith('blobs') ? 0o700 : 0o600))).toEqual(
      [
        // The name of the blob ends in a hex digit.
      ],
    )
  })

  it('hold a batch whole or not at all, wherever a crash cuts them', async () => {
    const { directory, runtime, records, file } = await setUp([1, 3, 1])
    const whole = await readFile(file)
    const ends = [...whole].flatMap((byte, index) => (byte === 10 ? [index + 1] : []))
    expect(ends).toHaveLength(3)
    for (let size = 0; size <= whole.length; size += 1) {
      const expected = size >= (ends[2] ?? 0) ? 5 : size >= (ends[1] ?? 0) ? 4 : size >= (ends[0] ?? 0) ? 1 : 0
      await writeFile(file, whole.subarray(0, size))
      const reader = tracked(fsJournal({ directory, runtime }))
      expect(await readAll(reader, runId)).toEqual(records.slice(0, expected))
      // Opening costs a few durable writes, so that not each place is opened.
      if (size % 97 !== 0 && size !== whole.length) continue
      runtime.skip(31_000)
      const { epoch, length } = await reader.open({ runId, holder: `after ${size}`, leaseMs: 30_000 })
      expect(length).toBe(expected)
      await reader.append(runId, chain(runId, epoch, 1, records[expected - 1]))
      expect(await readAll(reader, runId)).toHaveLength(expected + 1)
    }
  })

  it('drop what a crash left of zeros', async () => {
    const { directory, runtime, records, file } = await setUp([2])
    await writeFile(file, Buffer.concat([await readFile(file), Buffer.alloc(512)]))
    runtime.skip(31_000)
    const store = tracked(fsJournal({ directory, runtime }))
    const { epoch, length } = await store.open({ runId, holder: 'two', leaseMs: 30_000 })
    expect(length).toBe(2)
    await store.append(runId, chain(runId, epoch, 1, records[1]))
    expect(await readAll(store, runId)).toHaveLength(3)
  })

  it('are refused when damaged, with the place', async () => {
    const { directory, runtime, file } = await setUp([1, 1, 1])
    const text = await readFile(file, 'utf8')
    const lines = text.split('\n')
    const damages: [string, string][] = [
      ['changed', text.replace('record 1,', 'record 9,')],
      ['left out', [lines[0], lines[2], ''].join('\n')],
      ['swapped', [lines[1], lines[0], lines[2], ''].join('\n')],
      ['not JSON', text.replace('{"v":1', '{"v"')],
      ['no record', `${lines[0]}\n42\n`],
      ['of another run', text.replaceAll('run_x', 'run_y')],
    ]
    for (const [what, damaged] of damages) {
      await writeFile(file, damaged)
      const store = tracked(fsJournal({ directory, runtime }))
      await expect(readAll(store, runId), what).rejects.toSatisfy(code('journal.corrupt'))
      runtime.skip(31_000)
      await expect(store.open({ runId, holder: what, leaseMs: 30_000 }), what).rejects.toSatisfy(code('journal.corrupt'))
    }
  })

  it('of a newer version or with an unknown type are refused, naming both', async () => {
    const { directory, runtime, file } = await setUp([1])
    const [record] = chain(runId, 1, 1)
    for (const [change, named] of [
      [{ v: 2 }, 'version "2"'],
      [{ type: 'model.dream' }, 'type "model.dream"'],
    ] as const) {
      await writeFile(file, `${JSON.stringify({ ...record, ...change })}\n`)
      const read = readAll(tracked(fsJournal({ directory, runtime })), runId)
      await expect(read).rejects.toSatisfy(code('journal.unsupported'))
      await expect(read).rejects.toThrow(named)
      await expect(read).rejects.toThrow('version "1"')
    }
  })

  it('take nothing more after a write that failed, until they are opened anew', async () => {
    const { store, records } = await setUp([1])
    const next = chain(runId, 1, 2, records[0])
    // A record that cannot be written as JSON is the simplest failure of a write.
    const cyclic: Record<string, never> = {}
    Object.assign(cyclic, { cyclic })
    await expect(
      store.append(
        runId,
        next.slice(0, 1).map((record) => ({ ...record, body: cyclic })),
      ),
    ).rejects.toThrow()
    await store.release(runId, 1)
    const { epoch, length } = await store.open({ runId, holder: 'two', leaseMs: 30_000 })
    expect(length).toBe(1)
    await store.append(runId, chain(runId, epoch, 1, records[0]))
    expect(await readAll(store, runId)).toHaveLength(2)
  })

  it('do not take what a driver that was taken over still writes', async () => {
    const { directory, runtime, store, records } = await setUp([1])
    runtime.skip(31_000)
    const other = tracked(fsJournal({ directory, runtime }))
    const { epoch } = await other.open({ runId, holder: 'two', leaseMs: 30_000 })
    const stale = chain(runId, 1, 1, records[0])
    await expect(store.append(runId, stale)).rejects.toSatisfy(code('run.fenced'))
    await other.append(runId, chain(runId, epoch, 1, records[0]))
    const read = await readAll(other, runId)
    expect(read.map(({ epoch: by }) => by)).toEqual([1, 2])
    expect(read[1]?.prevHash).toBe(records[0] && recordHash(records[0]))
  })

  it('can be copied to another place', async () => {
    const { directory, runtime, records, file } = await setUp([2, 2])
    const copy = join(directory, 'copy', runId)
    await mkdir(copy, { recursive: true })
    await copyFile(file, join(copy, 'journal.jsonl'))
    const store = tracked(fsJournal({ directory: join(directory, 'copy'), runtime }))
    expect(await store.open({ runId, holder: 'x', leaseMs: 1000 })).toEqual({ epoch: 2, length: 4 })
    expect(await readAll(store, runId)).toEqual(records)
  })
})
