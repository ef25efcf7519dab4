import { type NativeSnapshot, type Provider, type Sandbox, secret, systemRuntime } from '@ringfence/core'
import { openWorkspace } from '@ringfence/workspace'
import { beforeAll, describe, expect, test } from 'vitest'
import { openClient } from '../src/engine.ts'
import { type DockerOptions, docker } from '../src/index.ts'
import { sweepIdle } from '../src/sweep.ts'
import { api, missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, fillBusybox, make, makeImages } from './images.ts'
import { startProxy } from './proxy.ts'
import { containers, create, defer, errorOf, inspect, installation, removed, requestFor, sh } from './support.ts'

const TAG = BUSYBOX.split(':')[1]
const provider = (options: DockerOptions = {}): Provider => docker({ image: BUSYBOX, socketPath, ...options })

/** A snapshot that is given up at the end of the test. */
async function take(sandbox: Sandbox): Promise<NativeSnapshot> {
  const snapshot = await sandbox.snapshot?.take()
  if (!snapshot) throw new Error('It takes no snapshots')
  defer(async () => provider().deleteSnapshot?.(snapshot, systemRuntime))
  return snapshot
}

async function imageOf(id: string): Promise<{ Config: { Env: string[] | null; Labels: Record<string, string> | null } } | undefined> {
  const { status, body } = await api('GET', `/images/${id}/json`)
  return status === 200 ? JSON.parse(body) : undefined
}

/** The snapshots of this file, also those without a name. */
const snapshots = async (): Promise<string[]> => {
  const filters = encodeURIComponent(JSON.stringify({ label: [`dev.ringfence.snapshot.installation=${installation}`] }))
  const { body } = await api('GET', `/images/json?all=1&filters=${filters}`)
  return (JSON.parse(body) as { Id: string }[]).map(({ Id }) => Id).sort()
}

describe.skipIf(missing !== undefined)(`docker snapshots${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    await startEngine()
    await makeImages()
  })

  test('no secret is in the image, and no environment but that of the image before it', { timeout: 240_000 }, async () => {
    const named = `ringfence-test/environment:${TAG}`
    await make(named, fillBusybox, ['ENV KIND=test'])
    const value = 'snapshot-secret-7f3b12'
    const slot = { secret: secret.from('KEY', () => value), sandbox: { env: 'KEY', acknowledge: 'env:KEY' as const } }
    const policy = { minimumIsolation: 'container' as const, secrets: [slot] }
    const workspace = await openWorkspace({ sandbox: provider({ image: named }), policy, installation })
    defer(() => workspace.destroy())
    expect((await workspace.exec('[ "$KEY" ] && echo "$KIND" | tee made')).stdout).toBe('test\n')
    await workspace.spawn('sleep 600')
    const snapshot = await workspace.nativeSnapshot()
    defer(async () => provider().deleteSnapshot?.(snapshot, systemRuntime))
    expect((await imageOf(snapshot.id))?.Config.Env).toEqual((await imageOf(named))?.Config.Env)
    const { body } = await api('GET', `/images/${snapshot.id}/get`)
    expect([body.includes('made'), body.includes(value)]).toEqual([true, false])
  })

  test('the files have the owner that they had, whoever that is, and commands run as that', { timeout: 240_000 }, async () => {
    for (const user of ['nobody', '0:0', '4321']) {
      const source = await create({ user })
      await sh(source, 'echo kept >/workspace/f; chmod 600 /workspace/f')
      await sh(source, 'echo tool >/usr-tool', 'root')
      const snapshot = await take(source)
      const script = 'id -u; stat -c "%u %a" /workspace /workspace/f; cat /workspace/f /usr-tool; cat /etc/hosts | grep -c localhost'
      const copy = await create({}, { from: snapshot })
      expect(await sh(copy, script)).toBe(await sh(source, script))
      expect(copy.profile.user).toBe(source.profile.user)
      expect((await errorOf(create({ user: '1000:1000' }, { from: snapshot }))).code).toBe('config.invalid')
    }
  })

  test('an intent is one with its snapshot', async () => {
    const source = await create()
    const [from, other] = [await take(source), await take(source)]
    const request = requestFor({ from })
    const [one, two] = await Promise.all([create({}, request), create({}, request)])
    expect(one.info.id).toBe(two.info.id)
    for (const wrong of [undefined, other]) expect((await errorOf(create({}, { ...request, from: wrong }))).code).toBe('config.invalid')
  })

  test('what somebody makes of the image by hand is none of ours', async () => {
    const source = await create()
    const { id } = await take(source)
    const { Id } = JSON.parse((await api('POST', '/containers/create', { Image: id, Cmd: ['true'] })).body)
    defer(() => removed(Id))
    const engine = { ...(await openClient({ kind: 'socket', socketPath })), context: systemRuntime }
    await sweepIdle(engine, installation, 0)
    expect(await inspect(Id)).toBeDefined()
    expect((await containers()).map((one) => one.Id)).toEqual([source.info.id])
    const copy = await create({}, { from: { provider: 'docker', id, data: {} } })
    const made = JSON.parse((await api('POST', `/commit?container=${copy.info.id}`, {})).body).Id
    defer(() => api('DELETE', `/images/${made}`))
    const byHand = { provider: 'docker', id: made, data: {} }
    expect((await errorOf(provider().deleteSnapshot?.(byHand, systemRuntime) ?? Promise.resolve())).code).toBe('config.invalid')
    expect(await imageOf(made)).toBeDefined()
  })

  test('a snapshot that was altered makes nothing and removes nothing', async () => {
    const { Id } = JSON.parse((await api('GET', `/images/${BUSYBOX}/json`)).body)
    for (const id of [Id, BUSYBOX, '../containers/x', `${Id}?force=1`, '']) {
      const altered = { provider: 'docker', id, data: {} }
      expect((await errorOf(create({}, { from: altered }))).code).toBe('config.invalid')
      expect((await errorOf(provider().deleteSnapshot?.(altered, systemRuntime) ?? Promise.resolve())).code).toBe('config.invalid')
    }
    expect(await imageOf(Id)).toBeDefined()
    expect(await containers()).toEqual([])
  })

  test('one that is given up while a sandbox needs it goes with the next creation after that', { timeout: 240_000 }, async () => {
    const source = await create()
    await sh(source, 'echo kept >/workspace/f')
    const from = await take(source)
    let reach = (): void => undefined
    const reached = new Promise<void>((resolve) => {
      reach = resolve
    })
    const proxy = await startProxy(({ path }) => {
      if (path.endsWith('/start')) reach()
      return undefined
    })
    defer(() => proxy.close())
    const using = docker({ image: BUSYBOX, socketPath: proxy.socketPath }).create(requestFor({ from }), systemRuntime)
    await reached
    // Its container is made, and not yet started.
    await provider().deleteSnapshot?.(from, systemRuntime)
    const copy = await using
    defer(() => removed(copy.info.id))
    expect((await errorOf(create({}, { from }))).code).toBe('snapshot.not-found')
    expect(await sh(copy, 'cat /workspace/f')).toBe('kept\n')
    await create()
    expect(await imageOf(from.id)).toBeDefined()
    await copy.destroy()
    await create()
    expect(await imageOf(from.id)).toBeUndefined()
  })

  test('an aborted taking leaves no image, and the sandbox goes on', async () => {
    const abort = new AbortController()
    const reason = new Error('no longer')
    const proxy = await startProxy(({ path }) => {
      if (path.startsWith('/commit')) abort.abort(reason)
      return undefined
    })
    defer(() => proxy.close())
    const sandbox = await create({ socketPath: proxy.socketPath })
    const before = await snapshots()
    await expect(sandbox.snapshot?.take({ signal: abort.signal })).rejects.toBe(reason)
    expect(proxy.exchanges.find(({ path }) => path.startsWith('/commit'))?.path).toContain('pause=true')
    expect(await snapshots()).toEqual(before)
    expect(await sh(sandbox, 'echo on')).toBe('on\n')
  })

  test('one that is paused can be taken, and stays paused', async () => {
    const source = await create()
    await sh(source, 'echo kept >/workspace/f')
    await source.suspend?.pause()
    const from = await take(source)
    expect(Object((await inspect(source.info.id))?.State).Paused).toBe(true)
    expect(await sh(await create({}, { from }), 'cat /workspace/f')).toBe('kept\n')
  })

  test('where files are outside of the container there are no snapshots', async () => {
    const never = [{ readOnlyRoot: true }, { runtime: 'runsc' }, { runtime: 'kata' }]
    for (const options of never) {
      expect(provider(options).resolve().facets.snapshot).toBe('never')
      expect(provider(options).deleteSnapshot).toBeUndefined()
    }
    const from = await take(await create())
    expect((await errorOf(create({ readOnlyRoot: true }, { from }))).code).toBe('feature.unsupported')
    expect((await create({ readOnlyRoot: true })).snapshot).toBeUndefined()
    const withVolume = `ringfence-test/volume:${TAG}`
    await make(withVolume, fillBusybox, ['VOLUME /data'])
    const sandbox = await create({ image: withVolume })
    expect([sandbox.profile.facets.snapshot, sandbox.snapshot]).toEqual(['never', undefined])
  })
})
