import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gitRepo, localDir, type ManifestInput, parseManifest, systemClock } from '@ringfence/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkSources, materialise } from '../src/materialise/index.ts'
import { type HostShell, hostShell } from './host-shell.ts'

const TOKEN = 'ghp_0123456789abcdefghijklmnop'
let folder: string
/** Where this file's runs make their folders. */
let temporary: string
let server: Server
let commit: string
const shells: HostShell[] = []
/** How the server speaks: git's protocol, plain files, or not at all. */
let kind: 'smart' | 'dumb' | 'silent' = 'smart'

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.com', '-C', cwd, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  }).toString()

function smart(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  })
  request.pipe(child.stdin)
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.once('close', () => {
    const all = Buffer.concat(output)
    const end = all.indexOf('\r\n\r\n')
    for (const line of all.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = line.split(': ')
      if (name === 'Status') response.statusCode = Number(value.slice(0, 3))
      else response.setHeader(name, value)
    }
    response.end(all.subarray(end + 4))
  })
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rf-remote-'))
  temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  const work = join(folder, 'work')
  mkdirSync(work)
  git(work, 'init', '-q', '-b', 'trunk')
  for (const content of ['one', 'two']) {
    writeFileSync(join(work, 'file'), content)
    git(work, 'add', '-A')
    git(work, 'commit', '-q', '-m', content)
  }
  git(work, 'tag', 'v1', 'HEAD~')
  commit = git(work, 'rev-parse', 'HEAD~').trim()
  git(work, 'clone', '-q', '--bare', '.', join(folder, 'repo.git'))
  git(join(folder, 'repo.git'), 'update-server-info')
  mkdirSync(join(folder, 'empty.git'))
  git(join(folder, 'empty.git'), 'init', '-q', '--bare')
  server = createServer((request, response) => {
    if (request.headers.authorization !== `Basic ${Buffer.from(`user:${TOKEN}`).toString('base64')}`) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end()
    } else if (kind === 'smart') smart(request, response)
    else if (kind === 'dumb') {
      const path = join(folder, new URL(request.url ?? '/', 'http://localhost').pathname)
      if (existsSync(path)) response.end(readFileSync(path))
      else response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

afterEach(async () => {
  for (const shell of shells.splice(0)) await shell.dispose()
})

async function setup() {
  const host = await hostShell()
  shells.push(host)
  const put = (entries: ManifestInput['entries'], signal?: AbortSignal) =>
    materialise({ shell: host.shell, root: host.root, manifest: parseManifest({ entries }), clock: systemClock, signal })
  return { ...host, put }
}

const url = (name: string, credentials = `user:${TOKEN}@`): string =>
  `http://${credentials}127.0.0.1:${(server.address() as AddressInfo).port}/${name}`
const check = (source: string, ref?: string): Promise<void> =>
  checkSources(parseManifest({ entries: { r: gitRepo(source, ref === undefined ? {} : { ref }) } }))

describe('repositories by URL', () => {
  it.each(['smart', 'dumb'] as const)('fetches outside, and no credential goes in, from a %s server', async (how) => {
    kind = how
    const { put, root } = await setup()
    const source = url('repo.git')
    await check(source)
    await check(source, 'v1')
    await put({
      head: gitRepo(source),
      tag: gitRepo(source, { ref: 'v1' }),
      branch: gitRepo(source, { ref: 'trunk' }),
      commit: gitRepo(source, { ref: commit }),
      short: gitRepo(source, { ref: commit.slice(0, 9) }),
    })
    const contents = ['head', 'tag', 'branch', 'commit', 'short'].map((name) => readFileSync(join(root, name, 'file'), 'utf8'))
    expect(contents).toEqual(['two', 'one', 'two', 'one', 'one'])
    expect(git(join(root, 'head'), 'status', '--porcelain')).toBe('')
    expect(git(join(root, 'head'), 'rev-list', '--count', 'HEAD')).toBe('1\n')
    expect(spawnSync('grep', ['-rlE', `${TOKEN}|127\\.0\\.0\\.1`, root], { encoding: 'utf8' }).stdout).toBe('')
  })

  it('says what is wrong before anything is made, and never the credential', async () => {
    kind = 'smart'
    for (const [source, ref] of [
      [url('none.git'), undefined],
      [url('empty.git'), undefined],
      [url('repo.git'), 'nothing'],
      [url('repo.git', ''), undefined],
      [url('repo.git', `user:${TOKEN}x@`), undefined],
    ] as const) {
      const error: unknown = await check(source, ref).catch((reason: unknown) => reason)
      expect([source, error]).toEqual([source, expect.objectContaining({ code: 'git.failed', effect: 'none' })])
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(TOKEN)
    }
  })

  it('ends git when its signal aborts, and leaves no folder', async () => {
    kind = 'silent'
    const { put } = await setup()
    const stop = new AbortController()
    const reason = new Error('stop')
    process.env.TMPDIR = temporary
    const arrived = new Promise<void>((resolve) => server.once('request', () => resolve()))
    const running = put({ r: gitRepo(url('repo.git')) }, stop.signal)
    arrived.then(() => stop.abort(reason))
    await expect(running).rejects.toBe(reason)
    delete process.env.TMPDIR
    expect(readdirSync(temporary)).toEqual([])
  })
})

describe('without git on this machine', () => {
  it('refuses what needs it instead of taking ignored files', async () => {
    const path = process.env.PATH
    try {
      process.env.PATH = '/nonexistent'
      await expect(check(join(folder, 'work'))).rejects.toMatchObject({ code: 'git.failed' })
      const entries = { d: localDir(join(folder, 'work')) }
      await expect(checkSources(parseManifest({ entries }))).rejects.toMatchObject({
        code: 'git.failed',
        hint: expect.stringContaining('gitignore'),
      })
      await checkSources(parseManifest({ entries: { d: localDir(join(folder, 'work'), { gitignore: false }) } }))
    } finally {
      process.env.PATH = path
    }
  })
})
