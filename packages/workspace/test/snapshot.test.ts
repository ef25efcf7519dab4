import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type SnapshotStore, sha256, systemClock } from '@ringfence/core'
import { afterEach, describe, expect, it } from 'vitest'
import { type PackMember, packMember, writeArchive } from '../src/archive/index.ts'
import { memorySnapshots, parseSnapshotRef, restoreSnapshot, type SnapshotRef, takeSnapshot } from '../src/snapshot/index.ts'
import { type Dialect, type HostShell, hostShell, isEngine } from './host-shell.ts'

const shells: HostShell[] = []
afterEach(async () => {
  for (const shell of shells.splice(0)) {
    execFileSync('chmod', ['-R', 'u+rwX', shell.base])
    await shell.dispose()
  }
})

async function setup(dialect: Dialect = 'host', uid?: number) {
  const host = await hostShell({ dialect, ...(uid === undefined ? {} : { uid }) })
  shells.push(host)
  return {
    ...host,
    at: (...parts: string[]) => join(host.root, ...parts),
    take: (store: SnapshotStore, exclude: string[] = [], leftOut: string[] = []) =>
      takeSnapshot({ shell: host.shell, root: host.root, store, exclude, clock: systemClock, onLeftOut: (path) => leftOut.push(path) }),
    restore: (store: SnapshotStore, ref: SnapshotRef, exclude: string[] = []) =>
      restoreSnapshot({ shell: host.shell, root: host.root, store, ref, exclude, clock: systemClock }),
  }
}

const rejects = async (promise: Promise<unknown>, code: string): Promise<void> => {
  await expect(promise).rejects.toMatchObject({ code })
}

/** A tree with all that a workspace may hold. */
function fill(root: string, uid?: number): void {
  const at = (...parts: string[]): string => join(root, ...parts)
  mkdirSync(at('src/deep/er'), { recursive: true })
  mkdirSync(at('empty'))
  mkdirSync(at('.git/refs'), { recursive: true })
  writeFileSync(at('src/run.sh'), '#!/bin/sh\n')
  chmodSync(at('src/run.sh'), 0o755)
  writeFileSync(at('src/deep/er/data'), Buffer.alloc(3_000_000, 'data'))
  writeFileSync(at('none'), '')
  writeFileSync(at('private'), 'p')
  chmodSync(at('private'), 0o600)
  writeFileSync(at('old'), 'old')
  utimesSync(at('old'), 1_000_000_000, 1_000_000_000)
  for (const name of ['-rf', 'new\nline', "quo'te", '*', 'ÄÖ', `${'n'.repeat(200)}`, 'ends ', '\\']) writeFileSync(at(name), name)
  const long = at(...Array.from({ length: 20 }, (_, i) => `${'d'.repeat(20)}${i}`))
  mkdirSync(long, { recursive: true })
  writeFileSync(join(long, 'deep'), 'deep')
  writeFileSync(Buffer.concat([Buffer.from(`${root}/b`), Buffer.of(0xff, 0x81)]), 'bytes')
  symlinkSync('src/run.sh', at('link'))
  symlinkSync('../../../etc/passwd', at('src/out'))
  symlinkSync('/nonexistent', at('dangling'))
  linkSync(at('none'), at('src/hard'))
  mkdirSync(at('ro'))
  writeFileSync(at('ro/x'), 'x')
  chmodSync(at('ro/x'), 0o444)
  if (uid !== undefined) execFileSync('chown', ['-Rh', `${uid}:${uid}`, root])
  chmodSync(at('ro'), 0o555)
}

const listing = (root: string): string =>
  execFileSync('find', ['.', '-printf', '%P\\0%y %m %s %l\\n', '(', '-type', 'f', '-exec', 'sha256sum', '{}', ';', '-o', '-true', ')'], {
    cwd: root,
    encoding: 'latin1',
  })
    .split('\n')
    .filter((line) => !line.startsWith('\0'))
    .sort()
    .join('\n')
    .replace(/ d (\d+) \d+ /g, ' d $1 ')
    .replace(/\0d (\d+) \d+ /g, '\0d $1 ')

const USERS: [Dialect, Dialect, number | undefined][] = [
  ['host', 'host', undefined],
  ['busybox', 'busybox', undefined],
  ['host', 'busybox', 12345],
  ['busybox', 'host', 12345],
  ['busybox', 'busybox', 12345],
  ['engine', 'engine-busybox', undefined],
]

describe.each(USERS)('from %s to %s as user %s', (from, to, uid) => {
  it('restores the same tree, verified', async () => {
    const store = memorySnapshots()
    const [one, two] = [await setup(from, uid), await setup(to, uid)]
    fill(one.root, uid)
    const ref = await one.take(store)
    expect(ref).toMatchObject({ format: 'tar-1', roots: ['.'], excludes: [], complete: true })
    writeFileSync(two.at('image file'), 'goes')
    mkdirSync(two.at('src'))
    symlinkSync('/etc', two.at('ro'))
    await two.restore(store, ref)
    expect(listing(two.root)).toBe(listing(one.root))
    expect(lstatSync(two.at('old')).mtimeMs).toBe(1_000_000_000_000)
    expect(lstatSync(two.at('none')).ino).toBe(lstatSync(two.at('src/hard')).ino)
    if (uid !== undefined) expect(lstatSync(two.at('src/run.sh')).uid).toBe(uid)
    const again = await two.take(store)
    expect(again.treeDigest).toBe(ref.treeDigest)
  })
})

describe.each<Dialect>(['host', 'busybox', 'engine', 'engine-busybox'])('snapshots with %s', (dialect) => {
  it('leaves out what is excluded, and keeps it on a restore', async () => {
    const store = memorySnapshots()
    const one = await setup(dialect)
    const names = ['eph', 'a/secret *[x]\n', '.ctl', 'mnt']
    mkdirSync(one.at('a/secrets'), { recursive: true })
    mkdirSync(one.at('mnt'))
    for (const path of ['eph', 'a/secret *[x]\n', 'a/secret yx', 'a/secrets/kept', '.ctl', 'mnt/remote', 'kept'])
      writeFileSync(one.at(path), path)
    const ref = await one.take(store, [...names, 'mnt/remote'])
    expect(ref.excludes).toEqual(['.ctl', 'a/secret *[x]\n', 'eph', 'mnt'])
    const two = await setup(dialect)
    mkdirSync(two.at('a'))
    mkdirSync(two.at('.ctl2'))
    for (const path of ['a/gone', 'a/secret *[x]\n', '.ctl2/x', 'eph']) writeFileSync(two.at(path), 'own')
    await two.restore(store, ref, ['.ctl2'])
    expect(readdirSync(two.root).sort()).toEqual(['.ctl2', 'a', 'eph', 'kept'])
    expect(readdirSync(two.at('a')).sort()).toEqual(['secret *[x]\n', 'secret yx', 'secrets'])
    expect(readFileSync(two.at('eph'), 'utf8')).toBe('own')
    const blob: Uint8Array[] = []
    for await (const chunk of store.get(ref.id)) blob.push(chunk)
    expect(Buffer.concat(blob).includes('mnt')).toBe(false)
    await two.restore(store, ref, ['.ctl2', 'kept', 'a/secrets'])
    expect(existsSync(two.at('kept'))).toBe(true)
  })

  it('stores and restores an empty workspace', async () => {
    const store = memorySnapshots()
    const one = await setup(dialect)
    const ref = await one.take(store)
    writeFileSync(one.at('x'), 'x')
    await one.restore(store, ref)
    expect(readdirSync(one.root)).toEqual([])
  })

  it('leaves out sockets and FIFOs, and says so', async () => {
    const store = memorySnapshots()
    const one = await setup(dialect)
    mkdirSync(one.at('d'))
    writeFileSync(one.at('d/x'), 'x')
    execFileSync('mkfifo', [one.at('d/fi\nfo'), one.at('fifo')])
    const leftOut: string[] = []
    const ref = await one.take(store, [], leftOut)
    expect(ref.complete).toBe(false)
    expect(leftOut.sort()).toEqual(['d/fi\\nfo', 'fifo'])
    const two = await setup(dialect)
    await two.restore(store, ref)
    expect(readdirSync(two.at('d'))).toEqual(['x'])
  })

  it('takes thousands of files, also in several archives of busybox', async () => {
    const store = memorySnapshots()
    const [one, two] = [await setup(dialect), await setup(dialect)]
    for (let d = 0; d < 30; d++) {
      mkdirSync(one.at(`${'directory'.repeat(20)}${d}`))
      for (let f = 0; f < 150; f++) writeFileSync(one.at(`${'directory'.repeat(20)}${d}`, `${'file'.repeat(40)}${f}`), `${d} ${f}`)
    }
    const ref = await one.take(store)
    await two.restore(store, ref)
    expect(readdirSync(two.root)).toHaveLength(30)
    expect(readFileSync(two.at(`${'directory'.repeat(20)}7`, `${'file'.repeat(40)}8`), 'utf8')).toBe('7 8')
  })

  it.skipIf(isEngine(dialect))('fails when something cannot be read, and stores nothing', async () => {
    for (const prepare of [(path: string) => mkdirSync(path), (path: string) => writeFileSync(path, 'x')]) {
      const store = memorySnapshots()
      const one = await setup(dialect, 12345)
      prepare(one.at('closed'))
      chmodSync(one.at('closed'), 0o000)
      await rejects(one.take(store), 'snapshot.failed')
      for await (const blob of store.list()) expect(blob).toBeUndefined()
    }
  })
})

describe('trust', () => {
  async function stored(members: PackMember[], more: Partial<SnapshotRef> = {}): Promise<{ store: SnapshotStore; ref: SnapshotRef }> {
    const store = memorySnapshots()
    const { digest } = await store.put(writeArchive(members))
    return { store, ref: { format: 'tar-1', id: digest, treeDigest: '0'.repeat(64), roots: ['.'], excludes: [], complete: true, ...more } }
  }
  const fileOf = (path: string): PackMember => packMember(path, 'file', { size: 1, content: Buffer.from('x') })

  it('finds a snapshot whose bytes or tree are not what it names', async () => {
    const one = await setup()
    const { store, ref } = await stored([fileOf('a')])
    await rejects(one.restore(store, ref), 'snapshot.corrupt')
    await rejects(one.restore(store, { ...ref, id: '1'.repeat(64) }), 'snapshot.not-found')
    const hostile = await stored([packMember('l', 'symlink', { target: Buffer.from('/tmp') }), fileOf('l/x')])
    await rejects(one.restore(hostile.store, hostile.ref), 'snapshot.corrupt')
    const cut: SnapshotStore = {
      ...store,
      has: async () => true,
      async *get() {
        yield Buffer.alloc(100)
      },
    }
    await rejects(one.restore(cut, ref), 'snapshot.corrupt')
  })

  it('finds a tree that came to be another one', async () => {
    const store = memorySnapshots()
    const one = await setup()
    fill(one.root)
    const ref = await one.take(store)
    const two = await setup()
    for (const [change, kind] of [
      ['echo more >>./private', 'content'],
      ['chmod 777 private', 'mode'],
      ['rm private', 'missing'],
      ['echo x >extra', 'extra'],
      ['rm link; ln -s elsewhere link', 'target'],
      ['rm link; mkdir link', 'type'],
    ] as const) {
      const sly: typeof two.shell = {
        ...two.shell,
        async *stream(script, args, options) {
          await two.shell.run(change, [], {})
          yield* two.shell.stream(script, args, options)
        },
      }
      const error: unknown = await restoreSnapshot({ shell: sly, root: two.root, store, ref, clock: systemClock }).catch(
        (reason: unknown) => reason,
      )
      expect(error).toMatchObject({ code: 'snapshot.corrupt', details: { differences: [expect.objectContaining({ kind })], more: false } })
    }
  })

  it('refuses what a hostile sandbox makes up', async () => {
    const store = memorySnapshots()
    const one = await setup()
    const answers: [Buffer, string][] = [
      [Buffer.alloc(0), 'archive.invalid'],
      [Buffer.from('no name has an end'), 'archive.invalid'],
      [Buffer.alloc(20_000, 'x'), 'archive.invalid'],
      [Buffer.concat([Buffer.of(0), Buffer.alloc(600, 'x')]), 'archive.invalid'],
    ]
    for (const [answer, code] of answers) {
      const sly: typeof one.shell = {
        ...one.shell,
        async *stream() {
          yield answer
        },
      }
      await rejects(takeSnapshot({ shell: sly, root: one.root, store, exclude: [], clock: systemClock }), code)
    }
    writeFileSync(one.at('big'), Buffer.alloc(1_000_000))
    await rejects(
      takeSnapshot({ shell: one.shell, root: one.root, store, exclude: [], clock: systemClock, limits: { maxBytes: 500_000 } }),
      'archive.limit',
    )
    for await (const blob of store.list()) expect(blob).toBeUndefined()
  })

  it('tries again while the tree moves, and then says so', async () => {
    const store = memorySnapshots()
    const one = await setup()
    writeFileSync(one.at('kept'), 'x')
    let moves = 0
    const moving = (times: number): typeof one.shell => ({
      ...one.shell,
      stream(script, args, options) {
        // A name that is gone when tar comes to it.
        const tar =
          'tar() { case "$*" in *"-T -"*) cat >../names; rm -f gone; command tar "$@" <../names ;; *) command tar "$@" ;; esac; }; : >gone; '
        return one.shell.stream((moves++ < times ? tar : '') + script, args, options)
      },
    })
    const ref = await takeSnapshot({ shell: moving(2), root: one.root, store, exclude: [], clock: systemClock })
    expect(moves).toBe(3)
    expect(ref.complete).toBe(true)
    moves = 0
    const error: unknown = await takeSnapshot({ shell: moving(9), root: one.root, store, exclude: [], clock: systemClock }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'snapshot.failed', retry: 'safe' })
    expect(moves).toBe(3)
  })

  it('passes on what the store throws and the reason of its signal', async () => {
    const one = await setup()
    fill(one.root)
    const broken: SnapshotStore = { ...memorySnapshots(), put: () => Promise.reject(new Error('disk')) }
    await expect(one.take(broken)).rejects.toThrow('disk')
    const stop = new AbortController()
    const reason = new Error('stop')
    const slow: SnapshotStore = {
      ...memorySnapshots(),
      async put(bytes) {
        for await (const _ of bytes) stop.abort(reason)
        return { digest: '', size: 0 }
      },
    }
    await expect(
      takeSnapshot({ shell: one.shell, root: one.root, store: slow, exclude: [], clock: systemClock, signal: stop.signal }),
    ).rejects.toBe(reason)
  })
})

describe('references', () => {
  const good = { format: 'tar-1', id: 'a'.repeat(64), treeDigest: 'b'.repeat(64), roots: ['.'], excludes: ['x'], complete: true }

  it('go through JSON', () => {
    expect(parseSnapshotRef(JSON.parse(JSON.stringify(good)))).toEqual(good)
  })

  it.each([
    null,
    1,
    [],
    {},
    { ...good, id: '../x' },
    { ...good, treeDigest: 'B'.repeat(64) },
    { ...good, roots: [1] },
    { ...good, excludes: 'x' },
    { ...good, complete: 1 },
    { ...good, extra: 1 },
  ])('are refused: %j', (value) => {
    expect(() => parseSnapshotRef(value)).toThrow(expect.objectContaining({ code: 'config.invalid' }))
  })

  it('of a later release are told apart', () => {
    expect(() => parseSnapshotRef({ ...good, format: 'chunks-2' })).toThrow(
      expect.objectContaining({ code: 'snapshot.failed', message: expect.stringContaining('chunks-2') }),
    )
  })
})

describe('memorySnapshots', () => {
  it('keeps blobs by their content and references by their version', async () => {
    const store = memorySnapshots()
    const info = await store.put(
      (async function* () {
        yield Buffer.from('ab')
        yield Buffer.from('c')
      })(),
    )
    expect(info).toEqual({ digest: sha256('abc'), size: 3 })
    expect([await store.has(info.digest), await store.has('x')]).toEqual([true, false])
    const first = await store.setRef('head', 'one', null)
    expect(first).toBeDefined()
    expect(await store.setRef('head', 'two', null)).toBeUndefined()
    expect(await store.setRef('head', 'two', first ?? '')).not.toBe(first)
    expect(await store.getRef('head')).toMatchObject({ value: 'two' })
    await rejects(store.setRef('../x', '', null), 'config.invalid')
    await store.delete(info.digest)
    await rejects(store.get(info.digest)[Symbol.asyncIterator]().next(), 'snapshot.not-found')
  })
})
