import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CreateProgress, type CreateRequest, type Sandbox, systemRuntime } from '@ringfence/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DockerBuild, docker } from '../src/index.ts'
import { api, missing, startEngine } from './engine.ts'
import { BUSYBOX, makeImages } from './images.ts'
import { type EngineProxy, startProxy } from './proxy.ts'
import { containers, defer, errorOf, expectHint, removed, requestFor, sh, until } from './support.ts'

/** A folder with these files, for as long as the test. */
function folder(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'ringfence-build-'))
  defer(async () => rmSync(root, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

const builtImages = async (): Promise<string[]> => {
  const filters = encodeURIComponent(JSON.stringify({ label: ['dev.ringfence.build'] }))
  const { body } = await api('GET', `/images/json?filters=${filters}`)
  return (JSON.parse(body) as { RepoTags: string[] | null }[]).flatMap(({ RepoTags }) => RepoTags ?? []).sort()
}

async function removeBuilt(): Promise<void> {
  for (const name of await builtImages()) await api('DELETE', `/images/${name}?force=1`)
}

describe.skipIf(missing !== undefined)(`docker builds${missing ? ` (${missing})` : ''}`, () => {
  let proxy: EngineProxy
  beforeAll(async () => {
    await startEngine()
    await makeImages()
    proxy = await startProxy()
  })
  afterAll(async () => {
    await removeBuilt()
    await proxy?.close()
  })

  const builds = (): number => proxy.exchanges.filter(({ path }) => path.startsWith('/build')).length
  async function create(build: DockerBuild, over: Partial<CreateRequest> = {}): Promise<Sandbox> {
    const sandbox = await docker({ build, socketPath: proxy.socketPath }).create(requestFor(over), systemRuntime)
    defer(() => removed(sandbox.info.id))
    return sandbox
  }

  test('what is built is there, it is told step by step, and is built once for its content', { timeout: 240_000 }, async () => {
    const context = folder({
      Dockerfile: `FROM ${BUSYBOX}\nARG WORD=none\nCOPY . /data\nRUN echo "$WORD" >/word; chmod 755 /data\nUSER nobody\n`,
      'sub/run.sh': '#!/bin/sh\necho ran\n',
    })
    const told: CreateProgress[] = []
    const build = { context, args: { WORD: 'given' } }
    const sandbox = await create(build, { onProgress: (progress) => void told.push(progress) })
    expect(await sh(sandbox, 'cat /word; sh /data/sub/run.sh; stat -c "%u %Y" /data/sub/run.sh; id -un')).toBe(
      'given\nran\n0 946684800\nnobody\n',
    )
    // The label is the last.
    expect(told.map(({ stage }) => stage)).toEqual(Array(6).fill('building'))
    expect(told.map(({ message }) => message).slice(1, 3)).toEqual(['Step 2/6 : ARG WORD=none', 'Step 3/6 : COPY . /data'])
    expect(told.map(({ fraction = 1 }) => Math.round(fraction * 6))).toEqual([0, 1, 2, 3, 4, 5])
    expect((await builtImages()).filter((name) => /^ringfence-build:[0-9a-f]{32}$/.test(name))).toHaveLength(1)

    const before = builds()
    utimesSync(join(context, 'sub/run.sh'), 1e9, 1e9)
    await create(build)
    expect(builds()).toBe(before)
    writeFileSync(join(context, 'sub/run.sh'), '#!/bin/sh\necho changed\n')
    expect(await sh(await create(build), 'sh /data/sub/run.sh')).toBe('changed\n')
    expect(await sh(await create({ context }), 'cat /word')).toBe('none\n')
    expect(builds()).toBe(before + 2)
  })

  test('what .dockerignore names stays out, and links are sent as links', { timeout: 240_000 }, async () => {
    const outside = folder({ secret: 'outside' })
    const context = folder({
      'docker/Dockerfile': `FROM ${BUSYBOX}\nCOPY . /data\n`,
      '.dockerignore': '# what is not sent\ndocker\n*.log\n!kept.log\nmodules\n!modules/kept\n',
      'a.log': '',
      'kept.log': '',
      'modules/left': '',
      'modules/kept': '',
      plain: '',
    })
    symlinkSync(outside, join(context, 'folder'))
    symlinkSync(join(outside, 'secret'), join(context, 'file'))
    const sandbox = await create({ context, dockerfile: './docker/Dockerfile' })
    expect(await sh(sandbox, 'cd /data; find . -type f | sort; readlink folder; readlink file')).toBe(
      `./.dockerignore\n./kept.log\n./modules/kept\n./plain\n${outside}\n${outside}/secret\n`,
    )
  })

  test('a stage can be named', { timeout: 240_000 }, async () => {
    const Dockerfile = `FROM ${BUSYBOX} AS one\nRUN echo one >/which\nFROM one AS two\nRUN echo two >/which\n`
    expect(await sh(await create({ context: folder({ Dockerfile }), target: 'one' }), 'cat /which')).toBe('one\n')
  })

  test('a build that fails gives its last lines and leaves no container', { timeout: 240_000 }, async () => {
    const context = folder({ Dockerfile: `FROM ${BUSYBOX}\nRUN echo before the end; echo the reason >&2; exit 3\n` })
    const images = await builtImages()
    expectHint(
      await errorOf(create({ context })),
      'sandbox.start-failed',
      /before the end[\s\S]*the reason[\s\S]*returned a non-zero code: 3/,
    )
    const nonsense = folder({ Dockerfile: 'NONSENSE\n' })
    expectHint(await errorOf(create({ context: nonsense })), 'sandbox.start-failed', /NONSENSE/)
    expect([await containers(), await builtImages()]).toEqual([[], images])
  })

  test('creators of one content share one build, which ends with the last of them', { timeout: 240_000 }, async () => {
    const context = folder({ Dockerfile: `FROM ${BUSYBOX}\nRUN while [ ! -e /go ]; do sleep 1; done\n` })
    const before = builds()
    const told: CreateProgress[] = []
    const provider = docker({ build: { context }, socketPath: proxy.socketPath })
    const aborts = [new AbortController(), new AbortController()]
    const creations = aborts.map(({ signal }) =>
      provider
        .create(requestFor({ signal, onProgress: (progress) => void told.push(progress) }), systemRuntime)
        .then(() => 'made')
        .catch((error) => error),
    )
    // Both hear of both steps, and the second goes on for ever.
    await until(() => told.length >= 4)
    expect(builds()).toBe(before + 1)
    aborts[0]?.abort('first')
    expect(await creations[0]).toBe('first')
    const last = proxy.exchanges.filter(({ path }) => path.startsWith('/build')).at(-1)
    expect(last?.client.readableEnded).toBe(false)
    aborts[1]?.abort('second')
    expect(await creations[1]).toBe('second')
    await until(() => proxy.open() === 0)
    // The engine ends what it ran for it.
    await until(async () => !(await api('GET', '/containers/json')).body.includes('[ ! -e /go ]'))
  })

  test('what cannot be a context is refused before anything is asked for', async () => {
    const context = folder({ Dockerfile: `FROM ${BUSYBOX}\n`, 'sub/x': '' })
    const outside = folder({ Dockerfile: `FROM ${BUSYBOX}\n` })
    const before = builds()
    symlinkSync(join(outside, 'Dockerfile'), join(context, 'leads-out'))
    for (const wrong of [
      { context: join(context, 'nowhere') },
      { context: join(context, 'Dockerfile') },
      { context: join(context, 'sub') },
      { context, dockerfile: 'sub' },
      { context, dockerfile: 'leads-out' },
    ])
      expectHint(await errorOf(create(wrong)), 'config.invalid', /is no file within|cannot be read/)
    const refused = (options: object): Promise<{ code: string }> => errorOf(new Promise((resolve) => resolve(docker(options))))
    for (const options of [
      { build: { context }, image: BUSYBOX },
      { build: {} },
      { build: 'folder' },
      { build: null },
      { build: { context, dockerfile: '../Dockerfile' } },
      { build: { context, dockerfile: 'a/../../Dockerfile' } },
      { build: { context, dockerfile: '/etc/passwd' } },
      { build: { context, target: 'a b' } },
      { build: { context, args: { 'a-b': 'x' } } },
      { build: { context, args: { A: 1 } } },
      { build: { context, tag: 'x' } },
    ])
      expect((await refused(options)).code).toBe('config.invalid')
    expect(builds()).toBe(before)
    expect(await containers()).toEqual([])
  })
})
