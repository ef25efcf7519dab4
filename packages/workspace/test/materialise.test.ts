import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dir, file, gitRepo, localDir, localFile, type ManifestInput, parseManifest, systemClock } from '@ringfence/core'
import { afterEach, describe, expect, it } from 'vitest'
import { checkSources, type MaterialiseOptions, materialise } from '../src/materialise/index.ts'
import { type Dialect, type HostShell, hostShell, isEngine } from './host-shell.ts'

const shells: HostShell[] = []
const folders: string[] = []
afterEach(async () => {
  for (const shell of shells.splice(0)) await shell.dispose()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function source(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rf-src-'))
  folders.push(folder)
  return folder
}

async function setup(dialect: Dialect, uid?: number) {
  const host = await hostShell({ dialect, ...(uid === undefined ? {} : { uid }) })
  shells.push(host)
  const put = (entries: ManifestInput['entries'], options: Partial<MaterialiseOptions> = {}) =>
    materialise({ shell: host.shell, root: host.root, manifest: parseManifest({ entries }), clock: systemClock, ...options })
  return { ...host, put, at: (...parts: string[]) => join(host.root, ...parts) }
}

const mode = (path: string): number => lstatSync(path).mode & 0o7777
const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.com', '-c', 'protocol.file.allow=always', '-C', cwd, ...args], {
    env: { PATH: process.env.PATH, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).toString()
const rejects = async (promise: Promise<unknown>, code: string): Promise<void> => {
  await expect(promise).rejects.toMatchObject({ code })
}
const checked = (entries: ManifestInput['entries']): Promise<void> => checkSources(parseManifest({ entries }))

function repository(): string {
  const repo = source()
  git(repo, 'init', '-q', '-b', 'main')
  mkdirSync(join(repo, 'src'))
  writeFileSync(join(repo, 'src/run.sh'), '#!/bin/sh\n')
  chmodSync(join(repo, 'src/run.sh'), 0o755)
  writeFileSync(join(repo, 'README'), 'hello $Id$\n')
  writeFileSync(join(repo, 'large'), Buffer.alloc(200_000, 'l'))
  writeFileSync(join(repo, 'empty'), '')
  writeFileSync(join(repo, '.gitignore'), '.env\nnode_modules/\n')
  writeFileSync(join(repo, '.gitattributes'), 'README export-subst\nsrc export-ignore\n* filter=evil\n')
  writeFileSync(join(repo, 'ü "q"\n'), 'odd')
  symlinkSync('README', join(repo, 'link'))
  git(repo, 'add', '-A')
  git(repo, 'commit', '-q', '-m', 'first')
  writeFileSync(join(repo, '.env'), 'SECRET=x')
  writeFileSync(join(repo, 'new'), 'untracked')
  return repo
}

/** Makes everything that git can be told to run leave a trace. */
function trap(repo: string): string {
  const trace = join(repo, '.git/trace')
  const program = join(repo, '.git/evil.sh')
  writeFileSync(program, `#!/bin/sh\necho "$0 $@" >> ${trace}\ncat\n`)
  chmodSync(program, 0o755)
  for (const [key, value] of Object.entries({
    'core.fsmonitor': program,
    'core.hooksPath': join(repo, '.git/evil-hooks'),
    'core.sshCommand': program,
    'core.pager': program,
    'core.alternateRefsCommand': program,
    'filter.evil.smudge': program,
    'filter.evil.clean': program,
    'filter.evil.process': program,
    'uploadpack.packObjectsHook': program,
    'diff.external': program,
    'credential.helper': program,
    'remote.origin.url': 'https://user:hunter2hunter2@example.com/x.git',
    'remote.origin.uploadpack': program,
  }))
    execFileSync('git', ['config', '-f', join(repo, '.git/config'), key, value])
  mkdirSync(join(repo, '.git/evil-hooks'))
  for (const hook of ['post-checkout', 'post-index-change', 'reference-transaction', 'pre-auto-gc', 'post-merge'])
    execFileSync('cp', [program, join(repo, '.git/evil-hooks', hook)])
  return trace
}

describe.each<Dialect>(['host', 'busybox', 'engine', 'engine-busybox'])('materialise with %s', (dialect) => {
  it('makes files and directories, those above too, with their modes', async () => {
    const { put, at } = await setup(dialect)
    const events: unknown[] = []
    const result = await put(
      {
        'a/b/c.txt': file('hällo'),
        bytes: file(Uint8Array.of(0, 255, 10), { mode: 0o600 }),
        'run.sh': file('#!/bin/sh', { mode: 0o755 }),
        'd/empty': dir(),
        closed: dir({ mode: 0o500 }),
        'closed/in': file('x'),
        '-rf *\n"': file('odd'),
        eph: file('e', { ephemeral: true }),
      },
      { onProgress: (progress) => events.push(progress) },
    )
    expect(readFileSync(at('a/b/c.txt'), 'utf8')).toBe('hällo')
    expect([...readFileSync(at('bytes'))]).toEqual([0, 255, 10])
    expect(readFileSync(at('-rf *\n"'), 'utf8')).toBe('odd')
    expect(readFileSync(at('closed/in'), 'utf8')).toBe('x')
    expect(['a/b/c.txt', 'a', 'a/b', 'bytes', 'run.sh', 'd/empty', 'closed'].map((path) => mode(at(path)))).toEqual([
      0o644, 0o755, 0o755, 0o600, 0o755, 0o755, 0o500,
    ])
    expect(result).toMatchObject({ files: 8, leftOut: [], ephemeral: ['eph'] })
    expect(events).toEqual([{ files: 8, bytes: result.bytes, done: true }])
  })

  it.skipIf(isEngine(dialect))('belongs to the user inside, also below what that user may not write', async () => {
    const { put, at } = await setup(dialect, 12345)
    await put({ 'a/b': file('x'), ro: dir({ mode: 0o555 }), 'ro/x': file('y', { mode: 0o444 }) })
    for (const path of ['a', 'a/b', 'ro', 'ro/x']) expect(lstatSync(at(path)).uid).toBe(12345)
    expect([mode(at('ro')), mode(at('ro/x'))]).toEqual([0o555, 0o444])
  })

  it('replaces what is there and goes through no link that leads out', async () => {
    const { put, at, base } = await setup(dialect)
    mkdirSync(join(base, 'out'))
    mkdirSync(at('real'))
    writeFileSync(at('old'), 'old')
    writeFileSync(join(base, 'canary'), 'canary')
    symlinkSync('../canary', at('link'))
    symlinkSync('../out', at('escape'))
    symlinkSync('real', at('inner'))
    await put({ old: file('new'), link: file('new'), 'inner/x': file('through') })
    expect(readFileSync(at('old'), 'utf8')).toBe('new')
    expect(readFileSync(at('link'), 'utf8')).toBe('new')
    expect(readFileSync(at('real/x'), 'utf8')).toBe('through')
    await rejects(put({ 'escape/x': file('x') }), 'path.escapes-workspace')
    await rejects(put({ 'escape/a/b/c': dir() }), 'path.escapes-workspace')
    await rejects(put({ escape: dir(), z: file('x') }), 'path.escapes-workspace')
    await rejects(put({ 'old/x': file('x') }), 'fs.not-directory')
    expect(readFileSync(join(base, 'canary'), 'utf8')).toBe('canary')
    expect(readdirSync(join(base, 'out'))).toEqual([])
  })

  it('puts ephemeral entries alone when asked to', async () => {
    const { put, at } = await setup(dialect)
    const entries = { kept: file('k'), eph: dir({ ephemeral: true }), 'eph/in': file('i'), 'x/secret': file('s', { ephemeral: true }) }
    expect(await put(entries, { only: 'ephemeral' })).toMatchObject({ files: 3, ephemeral: ['eph', 'x/secret'] })
    expect(readdirSync(at()).sort()).toEqual(['eph', 'x'])
    expect(readFileSync(at('eph/in'), 'utf8')).toBe('i')
  })

  it('takes local files and folders with execute bits, inner links and odd names', async () => {
    const { put, at } = await setup(dialect)
    const src = source()
    mkdirSync(join(src, 'sub/empty'), { recursive: true })
    writeFileSync(join(src, 'run'), '#!/bin/sh')
    chmodSync(join(src, 'run'), 0o755)
    writeFileSync(join(src, 'sub/plain'), 'plain')
    chmodSync(join(src, 'sub/plain'), 0o640)
    writeFileSync(Buffer.concat([Buffer.from(`${src}/odd`), Buffer.of(0xff, 0x81, 0x0a)]), 'odd')
    writeFileSync(join(src, 'large'), Buffer.alloc(2_500_000, 'x'))
    for (const [link, to] of Object.entries({
      inner: 'sub/plain',
      up: 'sub/../run',
      dangling: 'nothing',
      self: '.',
      out: '../x',
      abs: '/etc/passwd',
      'sub/out': '../../y',
      'sub/in': '../run',
      sly: 'self/../x',
      'sub/deep': '../self/self/../sub/../..',
    }))
      symlinkSync(to, join(src, link))
    mkdirSync(join(src, '.git'))
    writeFileSync(join(src, '.git/config'), 'x')
    execFileSync('mkfifo', [join(src, 'fifo')])
    const { leftOut } = await put({
      data: localDir(src, { gitignore: false }),
      'one/run': localFile(join(src, 'run')),
      moded: localFile(join(src, 'run'), { mode: 0o400 }),
    })
    expect(leftOut).toEqual([
      { path: 'data/abs', reason: 'link-leads-out' },
      { path: 'data/fifo', reason: 'special-file' },
      { path: 'data/out', reason: 'link-leads-out' },
      { path: 'data/sly', reason: 'link-leads-out' },
      { path: 'data/sub/deep', reason: 'link-leads-out' },
      { path: 'data/sub/out', reason: 'link-leads-out' },
    ])
    expect(readdirSync(at('data'), 'latin1').sort()).toEqual(['dangling', 'inner', 'large', 'odd\xff\x81\n', 'run', 'self', 'sub', 'up'])
    expect([mode(at('data/run')), mode(at('data/sub/plain')), mode(at('one/run')), mode(at('moded'))]).toEqual([0o755, 0o640, 0o755, 0o400])
    expect(readlinkSync(at('data/sub/in'))).toBe('../run')
    expect(existsSync(at('data/sub/empty'))).toBe(true)
    expect(readFileSync(at('data/large')).equals(Buffer.alloc(2_500_000, 'x'))).toBe(true)
  })

  it('brings a repository as tracked files and a fresh .git', async () => {
    const { put, at } = await setup(dialect)
    const repo = repository()
    const trace = trap(repo)
    const { leftOut } = await put({ repo: gitRepo(repo) })
    expect(leftOut).toEqual([])
    expect(readdirSync(at('repo')).sort()).toEqual([
      '.git',
      '.gitattributes',
      '.gitignore',
      'README',
      'empty',
      'large',
      'link',
      'src',
      'ü "q"\n',
    ])
    expect(readFileSync(at('repo/README'), 'utf8')).toBe('hello $Id$\n')
    expect(readFileSync(at('repo/large'))).toHaveLength(200_000)
    expect([mode(at('repo/src/run.sh')), mode(at('repo/README')), readlinkSync(at('repo/link'))]).toEqual([0o755, 0o644, 'README'])
    expect(git(at('repo'), 'status', '--porcelain')).toBe('')
    expect(git(at('repo'), 'log', '--format=%an <%ae> %s')).toBe(
      `Ringfence <ringfence@localhost> Workspace at ${git(repo, 'rev-parse', 'HEAD').trim()}\n`,
    )
    expect(git(at('repo'), 'fsck', '--strict')).toBe('')
    expect(git(at('repo'), 'remote')).toBe('')
    expect(readdirSync(at('repo/.git')).sort()).toEqual(['HEAD', 'index', 'objects', 'refs'])
    expect(spawnSync('grep', ['-rl', 'hunter2', at()], { encoding: 'utf8' }).stdout).toBe('')
    expect(existsSync(trace)).toBe(false)
  })
})

describe('sources', () => {
  it('leaves out what git ignores, also in repositories within', async () => {
    const { put, at } = await setup('host')
    const repo = repository()
    const trace = trap(repo)
    mkdirSync(join(repo, 'node_modules/x'), { recursive: true })
    writeFileSync(join(repo, 'node_modules/x/index.js'), '')
    mkdirSync(join(repo, 'hollow'))
    mkdirSync(join(repo, 'inner'))
    git(join(repo, 'inner'), 'init', '-q')
    writeFileSync(join(repo, 'inner/.gitignore'), 'secret\n')
    writeFileSync(join(repo, 'inner/secret'), 'x')
    writeFileSync(join(repo, 'inner/open'), 'x')
    const { leftOut } = await put({
      all: localDir(repo),
      sub: localDir(join(repo, 'src')),
      everything: localDir(join(repo, 'node_modules'), { gitignore: false }),
    })
    expect(readdirSync(at('all')).sort()).toEqual([
      '.gitattributes',
      '.gitignore',
      'README',
      'empty',
      'hollow',
      'inner',
      'large',
      'link',
      'new',
      'src',
      'ü "q"\n',
    ])
    expect(readdirSync(at('all/inner')).sort()).toEqual(['.gitignore', 'open'])
    expect(readdirSync(at('sub'))).toEqual(['run.sh'])
    expect(existsSync(at('everything/x/index.js'))).toBe(true)
    expect(leftOut.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      'all/.env git-ignored',
      'all/inner/secret git-ignored',
      'all/node_modules git-ignored',
    ])
    expect(existsSync(trace)).toBe(false)
  })

  it('takes a ref, and everything deterministically', async () => {
    const repo = repository()
    git(repo, 'tag', 'v1')
    git(repo, 'branch', 'feature/x')
    writeFileSync(join(repo, 'README'), 'second')
    git(repo, 'commit', '-q', '-am', 'second')
    const first = git(repo, 'rev-parse', 'v1').trim()
    const one = await setup('host')
    await one.put({
      tag: gitRepo(repo, { ref: 'v1' }),
      branch: gitRepo(repo, { ref: 'feature/x' }),
      commit: gitRepo(repo, { ref: first }),
      short: gitRepo(`file://${repo}`, { ref: first.slice(0, 8) }),
      head: gitRepo(repo),
    })
    for (const name of ['tag', 'branch', 'commit', 'short']) expect(readFileSync(one.at(name, 'README'), 'utf8')).toBe('hello $Id$\n')
    expect(readFileSync(one.at('head/README'), 'utf8')).toBe('second')
    expect(git(one.at('tag'), 'rev-parse', 'HEAD')).toBe(git(one.at('short'), 'rev-parse', 'HEAD'))
    const bare = join(source(), 'bare.git')
    git(repo, 'clone', '-q', '--bare', repo, bare)
    await one.put({ bare: gitRepo(bare, { ref: 'main' }) })
    expect(readFileSync(one.at('bare/README'), 'utf8')).toBe('second')
  })

  it('refuses what is no good source before anything is made', async () => {
    const folder = source()
    const repo = repository()
    writeFileSync(join(folder, 'file'), 'x')
    symlinkSync('file', join(folder, 'link'))
    symlinkSync('.', join(folder, 'dirlink'))
    mkdirSync(join(folder, 'dir'))
    execFileSync('mkfifo', [join(folder, 'fifo')])
    git(join(folder, 'dir'), 'init', '-q')
    const inner = join(repo, 'src')
    const cases: [NonNullable<ManifestInput['entries']>[string], string][] = [
      [localFile(join(folder, 'none')), 'source.not-found'],
      [localFile(join(folder, 'file/below')), 'source.not-found'],
      [localFile(join(folder, 'link')), 'source.refused'],
      [localFile(join(folder, 'dir')), 'source.refused'],
      [localFile(join(folder, 'fifo')), 'source.refused'],
      [localFile('/dev/zero'), 'source.refused'],
      [localDir(join(folder, 'none')), 'source.not-found'],
      [localDir(join(folder, 'dirlink')), 'source.refused'],
      [localDir(`${join(folder, 'dirlink')}/`), 'source.refused'],
      [localDir(join(folder, 'file')), 'source.refused'],
      [gitRepo(join(folder, 'none')), 'source.not-found'],
      [gitRepo(join(folder, 'dir')), 'git.failed'],
      [gitRepo(folder), 'git.failed'],
      [gitRepo(inner), 'git.failed'],
      [gitRepo(repo, { ref: 'nothing' }), 'git.failed'],
      [gitRepo(repo, { ref: '--upload-pack=x' }), 'config.invalid'],
      [gitRepo('ext::sh -c "touch /tmp/pwned"'), 'git.failed'],
      [gitRepo('http://user:hunter2hunter2@127.0.0.1:1/x.git'), 'git.failed'],
    ]
    for (const [entry, code] of cases) {
      const error: unknown = await checked({ x: entry }).then(
        () => 'passed',
        (reason: unknown) => reason,
      )
      expect([entry, error]).toEqual([entry, expect.objectContaining({ code })])
      expect(String(error)).not.toContain('hunter2')
    }
    await checked({
      a: localFile(join(folder, 'file')),
      b: localDir(folder),
      c: gitRepo(repo),
      d: gitRepo(repo, { ref: 'main' }),
      e: file('x'),
    })
  })

  it('stops when a source changes while it is read, and says so', async () => {
    const { shell, root } = await setup('host')
    const folder = source()
    const path = join(folder, 'grows')
    writeFileSync(path, Buffer.alloc(8_000_000, 'x'))
    let first = true
    const changing: typeof shell = {
      ...shell,
      run(script, args, options = {}) {
        const { stdin } = options
        if (!stdin || stdin instanceof Uint8Array) return shell.run(script, args, options)
        async function* touching(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
          for await (const chunk of chunks) {
            if (first) writeFileSync(path, 'more', { flag: 'a' })
            first = false
            yield chunk
          }
        }
        return shell.run(script, args, { ...options, stdin: touching(stdin) })
      },
    }
    await rejects(
      materialise({ shell: changing, root, manifest: parseManifest({ entries: { x: localFile(path) } }), clock: systemClock }),
      'source.refused',
    )
  })

  it('never reads outside of a folder that is exchanged for a link meanwhile', async () => {
    const { put, root } = await setup('host')
    const folder = source()
    mkdirSync(join(folder, 'src/sub'), { recursive: true })
    mkdirSync(join(folder, 'out'))
    writeFileSync(join(folder, 'src/a'), 'a')
    writeFileSync(join(folder, 'src/sub/x'), 'inside')
    writeFileSync(join(folder, 'out/x'), 'canary')
    writeFileSync(join(folder, 'src/0'), Buffer.alloc(2_000_000))
    const progress = (): void => {
      // The walk has not entered `sub` yet.
      if (lstatSync(join(folder, 'src/sub')).isSymbolicLink()) return
      renameSync(join(folder, 'src/sub'), join(folder, 'moved'))
      symlinkSync('../out', join(folder, 'src/sub'))
    }
    for (let i = 0; i < 600; i++) writeFileSync(join(folder, `src/b${i}`), '')
    await put({ d: localDir(join(folder, 'src')) }, { onProgress: progress })
    expect(existsSync(join(root, 'd/sub/x'))).toBe(false)
  })

  it('refuses an entry below a link of another source', async () => {
    const { put } = await setup('host')
    const repo = source()
    git(repo, 'init', '-q')
    symlinkSync('/etc', join(repo, 'out'))
    git(repo, 'add', '-A')
    git(repo, 'commit', '-q', '-m', 'x')
    await rejects(put({ r: gitRepo(repo), 'r/out/x': file('x') }), 'config.invalid')
  })

  it('refuses a tree that was made to break out', async () => {
    const { put } = await setup('host')
    for (const name of ['..', '.git', '.GIT']) {
      const repo = source()
      git(repo, 'init', '-q')
      const blob = execFileSync('git', ['-C', repo, 'hash-object', '-w', '--stdin'], { input: 'x' }).toString().trim()
      const tree = execFileSync('git', ['-C', repo, 'hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], {
        input: Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]),
      })
        .toString()
        .trim()
      const commit = git(repo, 'commit-tree', '-m', 'x', tree).trim()
      git(repo, 'update-ref', 'refs/heads/bad', commit)
      await rejects(put({ r: gitRepo(repo, { ref: 'bad' }) }), 'git.failed')
    }
  })

  it('takes ten thousand files in one request', async () => {
    const { put, at, calls } = await setup('host')
    const entries: Record<string, ReturnType<typeof file>> = {}
    for (let i = 0; i < 10_000; i++) entries[`d${i % 100}/file${i}`] = file(`content ${i}`)
    const events: number[] = []
    await put(entries, { onProgress: ({ files }) => events.push(files) })
    expect(calls()).toBe(1)
    expect(readdirSync(at('d7'))).toHaveLength(100)
    expect(events.length).toBeGreaterThan(10)
    expect(events.at(-1)).toBe(10_000)
    await put({ 'd7/one more': file('x') })
    expect(calls()).toBe(2)
  })

  it('says when there is no tar inside, and ends by its signal', async () => {
    const { shell, root, put } = await setup('host')
    const without: typeof shell = { ...shell, run: (script, args, options) => shell.run(`PATH=/nonexistent; ${script}`, args, options) }
    await rejects(
      materialise({ shell: without, root, manifest: parseManifest({ entries: { a: file('x') } }), clock: systemClock }),
      'feature.unsupported',
    )
    const reason = new Error('stop')
    const stop = new AbortController()
    const entries: Record<string, ReturnType<typeof file>> = {}
    for (let i = 0; i < 2000; i++) entries[`f${i}`] = file('x')
    await expect(put(entries, { signal: stop.signal, onProgress: () => stop.abort(reason) })).rejects.toBe(reason)
  })
})
