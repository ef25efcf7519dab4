import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { isRingfenceError } from '@ringfence/core'
import { afterEach, describe, expect, it } from 'vitest'
import { openFiles } from '../src/files/index.ts'
import { type Dialect, type HostShell, hostShell, isEngine } from './host-shell.ts'

const open: HostShell[] = []
afterEach(async () => {
  for (const shell of open.splice(0)) await shell.dispose()
})

async function setup(dialect: Dialect, options: { uid?: number } = {}) {
  const host = await hostShell({ dialect, ...(options.uid === undefined ? {} : { uid: options.uid }) })
  open.push(host)
  const files = openFiles({ shell: host.shell, root: host.root })
  return { ...host, files, at: (...parts: string[]) => join(host.root, ...parts) }
}

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? Buffer.from(part) : part
}

const rejects = async (promise: Promise<unknown>, code: string): Promise<void> => {
  await expect(promise).rejects.toMatchObject({ code })
}

const UGLY = [
  ' lead',
  'trail ',
  'two  spaces',
  "quo'te",
  'dou"ble',
  'back\\slash',
  '$HOME',
  '`id`',
  '-rf',
  '--',
  '*',
  '?',
  '[a]',
  '~',
  'new\nline',
  '\n',
  'ends\n',
  'tab\t',
  'ÄÖÜ',
  'Łā',
  '日本語',
  '👩‍💻',
  '.hidden',
  '..dots',
  '...',
  '%s',
  '!',
  '#',
  ';',
  '&',
  '|',
  '(',
  '{a,b}',
  '\u0001',
  '\x7f',
  '=',
  'a:b',
  `${'n'.repeat(255)}`,
]

describe.each<Dialect>(['host', 'busybox', 'engine', 'engine-busybox', 'engine-bash'])('files with %s', (dialect) => {
  it('writes and reads text, bytes and streams', async () => {
    const { files, at } = await setup(dialect)
    await files.writeFile('a/b/text.txt', 'hällo\nworld')
    expect(await files.readText('a/b/text.txt')).toBe('hällo\nworld')
    expect(lstatSync(at('a/b/text.txt')).mode & 0o777).toBe(0o644)
    expect(lstatSync(at('a')).mode & 0o777).toBe(0o755)
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256)
    await files.writeFile('bytes', bytes)
    expect(Buffer.from(await files.readFile('bytes')).equals(bytes)).toBe(true)
    await files.writeFile('stream', chunks('one ', 'two ', bytes))
    expect(Buffer.from(await files.readFile('stream')).toString('latin1')).toBe(`one two ${Buffer.from(bytes).toString('latin1')}`)
    await files.writeFile('empty', '')
    expect(await files.readText('empty')).toBe('')
    expect(await files.readText(at('a/b/text.txt'))).toBe('hällo\nworld')
  })

  it('takes large content in every form', async () => {
    const { files } = await setup(dialect)
    const large = Buffer.alloc(3_000_001, 'abcdefg')
    await files.writeFile('bytes', large)
    await files.writeFile('stream', chunks(large.subarray(0, 1_000_000), large.subarray(1_000_000)))
    expect(large.equals(await files.readFile('bytes'))).toBe(true)
    const read: Uint8Array[] = []
    for await (const chunk of files.readStream('stream')) read.push(chunk)
    expect(Buffer.concat(read).equals(large)).toBe(true)
    await rejects(files.readFile('bytes', { maxBytes: 1000 }), 'fs.failed')
    await rejects(
      (async () => {
        for await (const _ of files.readStream('bytes', { maxBytes: 1000 }));
      })(),
      'fs.failed',
    )
    expect((await files.list('.')).map(({ name }) => name)).toEqual(['bytes', 'stream'])
  })

  it('keeps each byte, in whatever order', async () => {
    const { files, at } = await setup(dialect)
    const each = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const contents = ['', '-', '-n x', '%s%d%%', '\\n\\0101\\c', '\'"`$HOME\n\n', '\0', '\x007', 'ends without\r', '\n'].map((text) =>
      Buffer.from(text),
    )
    const all = [...contents, each, Buffer.concat([each, each].map((one) => Buffer.from(one).reverse()))]
    for (const content of all) {
      // A new file, over a file, and a private one, which takes another way.
      for (const [name, mode] of [
        ['new', 0o644],
        ['new', 0o644],
        ['private', 0o600],
      ] as const) {
        await files.writeFile(name, content, { mode })
        expect(readFileSync(at(name)).equals(content)).toBe(true)
        expect(Buffer.from(await files.readFile(name)).equals(content)).toBe(true)
      }
      await files.remove('new')
    }
  })

  it('keeps to ugly names on every route', async () => {
    const { files, at } = await setup(dialect)
    for (const name of UGLY) {
      await files.writeFile(`in/${name}`, `content of ${name}`)
      expect(readFileSync(at('in', name), 'utf8')).toBe(`content of ${name}`)
    }
    expect((await files.list('in')).map(({ name }) => name)).toEqual([...UGLY].sort())
    for (const name of UGLY) {
      expect(await files.readText(`in/${name}`)).toBe(`content of ${name}`)
      expect(await files.stat(`in/${name}`)).toMatchObject({ type: 'file', mode: 0o644 })
      await files.mkdir(`dirs/${name}/sub`)
      await files.rename(`in/${name}`, `dirs/${name}/sub/${name}`)
      expect(await files.readText(`dirs/${name}/sub/${name}`)).toBe(`content of ${name}`)
      await files.remove(`dirs/${name}`, { recursive: true })
    }
    expect(readdirSync(at('in'))).toEqual([])
    expect(readdirSync(at('dirs'))).toEqual([])
  })

  it('tells errors apart by code', async () => {
    const { files, at } = await setup(dialect)
    mkdirSync(at('dir/full'), { recursive: true })
    writeFileSync(at('file'), 'x')
    writeFileSync(at('dir/full/x'), 'x')
    await rejects(files.readFile('none'), 'fs.not-found')
    await rejects(files.readFile('none/below'), 'fs.not-found')
    await rejects(files.readFile('file/below'), 'fs.not-directory')
    await rejects(files.readFile('dir'), 'fs.is-directory')
    await rejects(files.readFile('.'), 'fs.is-directory')
    await rejects(files.writeFile('dir', 'x'), 'fs.is-directory')
    await rejects(files.writeFile('file/x', 'x'), 'fs.not-directory')
    await rejects(files.list('file'), 'fs.not-directory')
    await rejects(files.list('none'), 'fs.not-found')
    await rejects(files.mkdir('file'), 'fs.exists')
    await files.mkdir('dir')
    await files.mkdir('.')
    await rejects(files.remove('none'), 'fs.not-found')
    await files.remove('none', { force: true })
    await files.remove('none/below', { force: true })
    await rejects(files.remove('dir/full'), 'fs.not-empty')
    await rejects(files.rename('none', 'x'), 'fs.not-found')
    await rejects(files.rename('file', 'dir'), 'fs.is-directory')
    await rejects(files.rename('dir', 'file'), 'fs.not-directory')
    await rejects(files.rename('file', 'missing/x'), 'fs.not-found')
    await files.rename('file', 'file')
    await files.rename('dir', 'dir')
    expect(await files.stat('none')).toBeUndefined()
    expect(await files.stat('file')).toMatchObject({ type: 'file', size: 1 })
    expect(await files.stat('.')).toMatchObject({ type: 'directory', size: 0 })
    for (const path of ['', 'a\0b']) await rejects(files.readFile(path), 'path.invalid')
    for (const path of ['../x', '/etc/passwd', `${at()}x/y`, 'a/../../x', '/', `${at('..')}`])
      await rejects(files.readFile(path), 'path.escapes-workspace')
    for (const path of ['.', at(), 'a/..']) {
      await rejects(files.remove(path, { recursive: true }), 'path.invalid')
      await rejects(files.writeFile(path, ''), 'path.invalid')
    }
    await rejects(files.writeFile('x', '', { mode: 0o1777 }), 'config.invalid')
    expect(existsSync(at('dir/full/x'))).toBe(true)
  })

  it.skipIf(isEngine(dialect))('says what the user inside may not do', async () => {
    const { files, at, root } = await setup(dialect, { uid: 12345 })
    mkdirSync(at('closed/in'), { recursive: true })
    writeFileSync(at('secret'), 'x')
    writeFileSync(at('closed/in/x'), 'x')
    chmodSync(at('secret'), 0o600)
    chmodSync(at('closed'), 0o700)
    mkdirSync(at('listed'))
    chmodSync(at('listed'), 0o755)
    await rejects(files.readFile('secret'), 'fs.denied')
    await rejects(files.writeFile('secret', 'y'), 'fs.denied')
    await rejects(files.readFile('closed/in/x'), 'fs.denied')
    await rejects(files.list('closed'), 'fs.denied')
    await rejects(files.writeFile('listed/x', 'y'), 'fs.denied')
    await rejects(files.mkdir('listed/x'), 'fs.denied')
    await rejects(files.writeFile('listed/x', new Uint8Array(100_000)), 'fs.denied')
    await files.writeFile('own', 'mine')
    expect(lstatSync(at('own')).uid).toBe(12345)
    expect(readdirSync(root).sort()).toEqual(['closed', 'listed', 'own', 'secret'])
  })

  it('keeps the mode of an existing file and gives a new one what was asked for', async () => {
    const { files, at } = await setup(dialect)
    for (const mode of [0o600, 0o640, 0o755, 0o444, 0o777, 0o700]) {
      await files.writeFile(`m${mode}`, 'x', { mode })
      expect(lstatSync(at(`m${mode}`)).mode & 0o7777).toBe(mode)
      await files.writeFile(`m${mode}`, 'again')
      expect(lstatSync(at(`m${mode}`)).mode & 0o7777).toBe(mode)
      await files.writeFile(`m${mode}`, chunks(Buffer.alloc(400_000)))
      expect(lstatSync(at(`m${mode}`)).mode & 0o7777).toBe(mode)
      await files.mkdir(`d${mode}`, { mode })
      expect(lstatSync(at(`d${mode}`)).mode & 0o7777).toBe(mode)
    }
  })

  it('follows links that stay within, and no others', async () => {
    const { files, at, base, root } = await setup(dialect)
    writeFileSync(join(base, 'canary'), 'outside')
    mkdirSync(join(base, 'out'))
    writeFileSync(join(base, 'out/canary'), 'outside')
    mkdirSync(at('d/e'), { recursive: true })
    writeFileSync(at('d/e/f'), 'inside')
    const links: Record<string, string> = {
      rel: 'd/e/f',
      updown: './d/../d//e/./f',
      abs: `${root}/d/e/f`,
      dir: 'd/e',
      absdir: `${root}/d`,
      chain: 'dir/f',
      'd/up': '../rel',
      'd/dots': '..',
      out: '../canary',
      outabs: join(base, 'canary'),
      outdir: '../out',
      outdirabs: `${base}/out`,
      outnone: '../none',
      outnoneabs: '/nonexistent/x',
      sibling: `${root}x/y`,
      loop1: 'loop2',
      loop2: 'loop1',
      dangling: 'd/new',
    }
    for (const [name, target] of Object.entries(links)) symlinkSync(target, at(name))
    for (const path of ['rel', 'updown', 'abs', 'dir/f', 'absdir/e/f', 'chain', 'd/up', 'd/dots/rel', 'd/dots/d/dots/d/e/f']) {
      expect([path, await files.readText(path)]).toEqual([path, 'inside'])
    }
    const outside = [
      'out',
      'outabs',
      'outdir/canary',
      'outdir/none',
      'outdirabs/canary',
      'outnone',
      'outnone/x',
      'outnoneabs',
      'outnoneabs/x',
      'sibling',
      'd/dots/out',
    ]
    for (const path of outside) {
      await rejects(files.readFile(path), 'path.escapes-workspace')
      await rejects(files.writeFile(path, 'x'), 'path.escapes-workspace')
    }
    for (const path of ['outdir/canary', 'outdir/none', 'outnone/x']) {
      await rejects(files.stat(path), 'path.escapes-workspace')
      await rejects(files.remove(path, { force: true, recursive: true }), 'path.escapes-workspace')
      await rejects(files.mkdir(path), 'path.escapes-workspace')
      await rejects(files.rename('rel', path), 'path.escapes-workspace')
      await rejects(files.rename(path, 'rel'), 'path.escapes-workspace')
    }
    for (const path of ['outdir', 'outdirabs', 'outnoneabs']) await rejects(files.list(path), 'path.escapes-workspace')
    await rejects(files.mkdir('outdir'), 'path.escapes-workspace')
    await rejects(files.readFile('loop1'), 'fs.failed')
    await rejects(files.readFile('loop1/x'), 'fs.failed')
    await rejects(files.readFile('dangling'), 'fs.not-found')
    expect(await files.stat('out')).toMatchObject({ type: 'symlink', size: 0 })
    expect((await files.list('absdir')).map(({ name, type }) => `${name}:${type}`)).toEqual(['dots:symlink', 'e:directory', 'up:symlink'])
    await files.writeFile('chain', 'through')
    expect(readFileSync(at('d/e/f'), 'utf8')).toBe('through')
    expect(readlinkSync(at('chain'))).toBe('dir/f')
    await files.writeFile('dangling', 'made')
    expect(readFileSync(at('d/new'), 'utf8')).toBe('made')
    await files.rename('d/new', 'out')
    expect(await files.readText('out')).toBe('made')
    await files.remove('outdir', { recursive: true })
    expect(readFileSync(join(base, 'canary'), 'utf8')).toBe('outside')
    expect(readdirSync(join(base, 'out'))).toEqual(['canary'])
    expect(readdirSync(base).filter((name) => name !== 'control')).toEqual(['canary', 'out', basename(root)])
  })

  it('neither reads nor replaces what is no regular file', async () => {
    const { files, at, shell } = await setup(dialect)
    await shell.run('mkfifo fifo', [])
    await rejects(files.readFile('fifo'), 'fs.failed')
    await rejects(files.writeFile('fifo', 'x'), 'fs.failed')
    expect(await files.stat('fifo')).toMatchObject({ type: 'other', size: 0 })
    await files.remove('fifo')
    expect(existsSync(at('fifo'))).toBe(false)
  })

  it('lists ten thousand entries and names that are no UTF-8', async () => {
    const { files, at, shell } = await setup(dialect)
    mkdirSync(at('many'))
    for (let i = 0; i < 10_000; i++) writeFileSync(at('many', `file number ${i}`), '')
    const listed = await files.list('many')
    expect(listed).toHaveLength(10_000)
    expect(new Set(listed.map(({ name }) => name)).size).toBe(10_000)
    await files.mkdir('bytes')
    await shell.run('cd bytes; : > "$(printf "b\\377\\201x")"; echo 12345 > "$(printf "81a4 0 0 .\\n81a4 1 1 .")"', [])
    const odd = await files.list('bytes')
    expect(odd.map(({ name, size }) => [name, size])).toEqual([
      ['81a4 0 0 .\n81a4 1 1 .', 6],
      ['b\ufffd\ufffdx', 0],
    ])
    await files.mkdir('none')
    expect(await files.list('none')).toEqual([])
  })

  it('commits nothing when the source of a stream fails, and leaves nothing', async () => {
    const { files, at, root } = await setup(dialect)
    await files.writeFile('kept', 'old')
    async function* failing(bytes: number): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(bytes)
      throw new Error('source broke')
    }
    await expect(files.writeFile('kept', failing(10))).rejects.toThrow('source broke')
    await expect(files.writeFile('kept', failing(1_000_000))).rejects.toThrow('source broke')
    expect(readFileSync(at('kept'), 'utf8')).toBe('old')
    expect(readdirSync(root)).toEqual(['kept'])
  })

  it('looks at the fence right before each change', async () => {
    const { files, at, root, takeOver } = await setup(dialect)
    await files.writeFile('kept', 'old')
    takeOver()
    await rejects(files.writeFile('kept', 'new'), 'run.fenced')
    await rejects(files.writeFile('kept', chunks(new Uint8Array(500_000))), 'run.fenced')
    await rejects(files.remove('kept'), 'run.fenced')
    await rejects(files.rename('kept', 'x'), 'run.fenced')
    await rejects(files.mkdir('x'), 'run.fenced')
    expect(readFileSync(at('kept'), 'utf8')).toBe('old')
    expect(readdirSync(root)).toEqual(['kept'])
  })

  it('costs one script a call', async () => {
    const { files, calls } = await setup(dialect)
    await files.writeFile('a/b', 'x')
    await files.readFile('a/b')
    await files.stat('a/b')
    await files.list('a')
    await files.rename('a/b', 'a/c')
    await files.mkdir('d')
    await files.remove('a', { recursive: true })
    expect(calls()).toBe(7)
  })

  it('rejects with the reason of its signal', async () => {
    const { files, shell } = await setup(dialect)
    const reason = new Error('stop')
    await expect(files.readFile('x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(files.writeFile('x', 'y', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await shell.run('mkfifo fifo', [])
    const stop = new AbortController()
    async function* hanging(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
      stop.abort(reason)
      await new Promise(() => undefined)
    }
    await expect(files.writeFile('y', hanging(), { signal: stop.signal })).rejects.toBe(reason)
    expect(await files.stat('y')).toBeUndefined()
  })

  it('reads and writes hard links as files of their own', async () => {
    const { files, at } = await setup(dialect)
    writeFileSync(at('a'), 'one')
    linkSync(at('a'), at('b'))
    await files.writeFile('b', 'two')
    expect(readFileSync(at('a'), 'utf8')).toBe('one')
  })
})

/** A small disk of its own, where this machine lets us have one. */
function smallDisk(path: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', path]).status === 0
}

describe.each<Dialect>(['host', 'busybox', 'engine', 'engine-busybox'])('hostile surroundings with %s', (dialect) => {
  it('tells that the disk is full, and leaves the old content and nothing else', async ({ skip }) => {
    const { files, at } = await setup(dialect)
    mkdirSync(at('disk'))
    if (!smallDisk(at('disk'))) skip('no right to mount')
    try {
      writeFileSync(at('disk/kept'), 'old')
      writeFileSync(at('disk/fill'), Buffer.alloc(240 * 1024))
      await rejects(files.writeFile('disk/kept', 'x'.repeat(30_000)), 'fs.no-space')
      await rejects(files.writeFile('disk/kept', new Uint8Array(200_000)), 'fs.no-space')
      await rejects(files.writeFile('disk/kept', chunks(new Uint8Array(300_000), new Uint8Array(300_000))), 'fs.no-space')
      expect(readFileSync(at('disk/kept'), 'utf8')).toBe('old')
      expect(readdirSync(at('disk')).sort()).toEqual(['fill', 'kept'])
    } finally {
      spawnSync('umount', [at('disk')])
    }
  })

  it('is not led out by a path that is exchanged at full speed', async () => {
    const { files, at, base } = await setup(dialect)
    mkdirSync(join(base, 'out'))
    mkdirSync(at('d'))
    writeFileSync(join(base, 'out/f'), 'canary')
    writeFileSync(join(base, 'canary'), 'canary')
    writeFileSync(at('d/f'), 'inside')
    writeFileSync(at('f'), 'inside')
    symlinkSync('../out', at('l'))
    symlinkSync('../canary', at('lf'))
    // Exchanges the folder and the file for links that lead out, and back, without a moment in which nothing is there.
    const swapper = spawn('perl', ['-e', SWAP, process.arch === 'arm64' ? '276' : '316', at('d'), at('l'), at('f'), at('lf')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const started = await new Promise<boolean>((resolve) => {
        swapper.once('error', () => resolve(false))
        swapper.stdout.once('data', () => resolve(true))
      })
      expect(started).toBe(true)
      let refused = 0
      let done = 0
      const attempt = async (action: () => Promise<unknown>): Promise<void> => {
        try {
          const result = await action()
          if (typeof result === 'string') expect(result).not.toBe('canary')
          done++
        } catch (error) {
          if (!isRingfenceError(error)) throw error
          refused++
        }
      }
      for (let run = 0; run < 30; run++) {
        await attempt(() => files.readText('d/f'))
        await attempt(() => files.readText('f'))
        await attempt(() => files.writeFile('d/new', 'mine'))
        await attempt(() => files.writeFile('f', 'mine'))
        await attempt(() => files.remove('d/f', { force: true }))
        await attempt(() => files.rename('d/new', 'd/f'))
        await attempt(() => files.mkdir('d/made'))
      }
      expect(refused + done).toBe(210)
      expect(refused).toBeGreaterThan(0)
    } finally {
      swapper.kill('SIGKILL')
      await new Promise((resolve) => swapper.once('close', resolve))
    }
    expect(readdirSync(join(base, 'out'))).toEqual(['f'])
    expect(readFileSync(join(base, 'out/f'), 'utf8')).toBe('canary')
    expect(readFileSync(join(base, 'canary'), 'utf8')).toBe('canary')
  })
})

/** `renameat2` with `RENAME_EXCHANGE`, until it is ended or its parent is gone. Perl is a part of every Debian. */
const SWAP = `
my ($number, $a, $b, $c, $d) = @ARGV;
$number += 0;
$| = 1;
print "ready";
my $parent = getppid();
while (getppid() == $parent) {
  for (1 .. 1000) {
    syscall($number, -100, $a, -100, $b, 2);
    syscall($number, -100, $c, -100, $d, 2);
  }
}
`
