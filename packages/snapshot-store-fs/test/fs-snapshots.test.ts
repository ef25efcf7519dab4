import { once } from 'node:events'
import { lstat, mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type RuntimeContext, sha256, systemRuntime } from '@ringfence/core'
import { fsSnapshots } from '@ringfence/snapshot-store-fs'
import { collectBytes, expectCode } from '@ringfence/testkit'
import { describe, expect, test } from 'vitest'
import { systemFiles } from '../src/file-system.ts'
import { storeOver } from '../src/fs-snapshots.ts'
import { exitOf, pathsBelow, startWriter, storeDirectory, streamOf } from './helpers.ts'

describe('the folder', () => {
  test('making a store and reading from it leave no trace', async () => {
    const directory = storeDirectory()
    const store = fsSnapshots({ directory })
    expect(await store.getRef('head')).toBeUndefined()
    expect(await store.has(sha256('x'))).toBe(false)
    await store.delete(sha256('x'))
    await expect(lstat(directory)).rejects.toThrow('ENOENT')
  })

  test('belongs to its user alone', async () => {
    const directory = storeDirectory()
    const umask = process.umask(0)
    try {
      const store = fsSnapshots({ directory })
      await store.put(streamOf('content'))
      await store.setRef('head', 'b', (await store.setRef('head', 'a', null)) ?? null)
    } finally {
      process.umask(umask)
    }
    for (const path of ['.', ...(await pathsBelow(directory))]) {
      const { mode } = await lstat(join(directory, path))
      expect([path, mode & 0o777]).toEqual([path, (mode & 0o170000) === 0o040000 ? 0o700 : 0o600])
    }
  })

  test('holds one file a blob and two a reference, and nothing aside', async () => {
    const directory = storeDirectory()
    const store = fsSnapshots({ directory })
    const { digest } = await store.put(streamOf('content'))
    let version = await store.setRef('Head', '0', null)
    for (let index = 1; index < 20; index += 1) version = await store.setRef('Head', String(index), version ?? null)
    const shard = join('blobs', digest.slice(0, 2))
    const reference = join('refs', 'head~8')
    const paths = await pathsBelow(directory)
    expect(paths.filter((path) => !path.startsWith(join(reference, '/')))).toEqual(
      ['blobs', shard, join(shard, digest.slice(2)), 'refs', reference, 'tmp'].sort(),
    )
    expect(paths.filter((path) => path.startsWith(join(reference, '/')))).toHaveLength(2)
  })

  test('may be relative, and is fixed when the store is made', async () => {
    const directory = storeDirectory()
    const store = fsSnapshots({ directory: relative(process.cwd(), directory) })
    await store.put(streamOf('content'))
    expect(await readdir(directory)).toEqual(['blobs', 'refs', 'tmp'])
  })

  test('is refused when it is no path', () => {
    for (const directory of ['', 'a\0b']) expect(() => fsSnapshots({ directory })).toThrow('is no path')
  })

  test('strange files in it are no blobs', async () => {
    const directory = storeDirectory()
    const store = fsSnapshots({ directory })
    const { digest } = await store.put(streamOf('content'))
    await writeFile(join(directory, 'blobs', 'README'), 'x')
    await writeFile(join(directory, 'blobs', digest.slice(0, 2), 'note'), 'x')
    await mkdir(join(directory, 'blobs', digest.slice(0, 2), sha256('directory').slice(2)))
    const listed: string[] = []
    for await (const blob of store.list()) listed.push(blob.digest)
    expect(listed).toEqual([digest])
  })
})

describe('errors', () => {
  test('a place that is no folder is `snapshot.failed`, and the store works once it is one', async () => {
    const directory = storeDirectory()
    await writeFile(directory, 'in the way')
    const store = fsSnapshots({ directory })
    const error = await expectCode(store.put(streamOf('content')), 'snapshot.failed')
    expect(error).toMatchObject({ effect: 'none', retry: 'safe', operation: 'put' })
    expect(error.message).toContain(directory)
    await systemFiles.unlink(directory)
    const { digest } = await store.put(streamOf('content'))
    expect(Buffer.from(await collectBytes(store.get(digest))).toString()).toBe('content')
  })

  test('a reference without its head is `snapshot.corrupt`', async () => {
    const directory = storeDirectory()
    const store = fsSnapshots({ directory })
    await store.setRef('head', 'value', null)
    const reference = join(directory, 'refs', 'head~')
    for (const name of await readdir(reference)) if (name.startsWith('head.')) await systemFiles.unlink(join(reference, name))
    await expectCode(store.getRef('head'), 'snapshot.corrupt')
  })

  test('a blob cut short is `snapshot.corrupt`, and its last piece is not given', async () => {
    const directory = storeDirectory()
    const store = fsSnapshots({ directory })
    const { digest } = await store.put(streamOf('content'))
    await writeFile(join(directory, 'blobs', digest.slice(0, 2), digest.slice(2)), 'conten')
    const given: Uint8Array[] = []
    const reading = async (): Promise<void> => {
      for await (const piece of store.get(digest)) given.push(piece)
    }
    const error = await expectCode(reading, 'snapshot.corrupt')
    expect(error.details).toEqual({ digest, found: sha256('conten') })
    expect(given).toEqual([])
  })
})

describe('other processes', () => {
  test('what a killed writer has left is removed by the next one, what a living one writes is not', async () => {
    const directory = storeDirectory()
    const killed = startWriter(directory, 'put-and-hang')
    const living = startWriter(directory, 'put-and-hang')
    for (const child of [killed, living]) if (child.stdout) await once(child.stdout, 'data')
    expect(await readdir(join(directory, 'tmp'))).toHaveLength(2)
    killed.kill('SIGKILL')
    await exitOf(killed)
    await fsSnapshots({ directory }).put(streamOf('content'))
    const [left, ...others] = await readdir(join(directory, 'tmp'))
    expect(others).toEqual([])
    expect(left).toContain(`-${living.pid}-`)
  })

  test('what another machine has left is removed after a day', async () => {
    const directory = storeDirectory()
    await fsSnapshots({ directory }).put(streamOf('content'))
    const foreign = (id: string): string => join(directory, 'tmp', `0123456789ab-42-4711-u_${id}`)
    const strange = join(directory, 'tmp', 'notes.txt')
    for (const path of [foreign('old'), foreign('new'), strange]) await writeFile(path, 'half')
    const now = 1_800_000_000_000
    const day = 24 * 60 * 60 * 1000
    await utimes(foreign('old'), new Date(now - day - 1_000), new Date(now - day - 1_000))
    await utimes(foreign('new'), new Date(now - day + 1_000), new Date(now - day + 1_000))
    const runtime: RuntimeContext = { ...systemRuntime, clock: { ...systemRuntime.clock, now: () => now } }
    await storeOver(directory, systemFiles, runtime).put(streamOf('content'))
    expect(await pathsBelow(join(directory, 'tmp'))).toEqual(['0123456789ab-42-4711-u_new', 'notes.txt'])
  })

  test('a value that a dead process wrote and never made present is removed at the next write', async () => {
    const directory = storeDirectory()
    const store = fsSnapshots({ directory })
    const version = await store.setRef('head', 'a', null)
    const [machine] = (await readdir(join(directory, 'refs', 'head~'))).flatMap((name) => /^[0-9a-f]{12}(?=-)/.exec(name) ?? [])
    const dead = join(directory, 'refs', 'head~', `${machine}-4194304-1-u_dead`)
    await writeFile(dead, 'never present')
    await store.setRef('head', 'b', version ?? null)
    expect(await readdir(join(directory, 'refs', 'head~'))).toHaveLength(2)
    expect((await store.getRef('head'))?.value).toBe('b')
  })

  test('no addition of four processes is lost', async () => {
    const directory = storeDirectory()
    const writers = Array.from({ length: 4 }, () => startWriter(directory, 'count', '40'))
    expect(await Promise.all(writers.map(exitOf))).toEqual([0, 0, 0, 0])
    expect((await fsSnapshots({ directory }).getRef('count'))?.value).toBe('160')
    expect(await readdir(join(directory, 'refs', 'count~'))).toHaveLength(2)
    expect(await readdir(join(directory, 'tmp'))).toEqual([])
  })
})

test('a thousand readings that are left leave no file open', async () => {
  const store = fsSnapshots({ directory: storeDirectory() })
  const { digest } = await store.put(streamOf(Buffer.alloc(600_000, 1)))
  const before = (await readdir('/proc/self/fd')).length
  for (let index = 0; index < 1_000; index += 1) for await (const _ of store.get(digest)) break
  expect((await readdir('/proc/self/fd')).length).toBeLessThan(before + 100)
})
