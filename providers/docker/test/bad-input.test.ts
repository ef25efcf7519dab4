import { cpSync, mkdirSync, realpathSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { systemRandom, systemRuntime } from '@ringfence/core'
import { manualClock } from '@ringfence/testkit'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type DockerOptions, docker } from '../src/index.ts'
import { missing, startEngine } from './engine.ts'
import { BUSYBOX, make, makeImages } from './images.ts'
import { respond, startProxy } from './proxy.ts'
import { containers, create, defer, errorOf, expectHint, requestFor } from './support.ts'

const wrong = async (options: DockerOptions): Promise<Awaited<ReturnType<typeof errorOf>>> =>
  errorOf(docker({ image: BUSYBOX, ...options }).create(requestFor(), systemRuntime))

describe('docker options', () => {
  const bad: readonly (readonly [string, object])[] = [
    ['is not known', { imgae: 'x' }],
    ['no name of an image', { image: 'a b' }],
    ['no name of an image', { image: '' }],
    ['readOnlyRoot', { readOnlyRoot: 'yes' }],
    ['no name', { runtime: '../x' }],
    ['is none', { user: 'a:b:c' }],
    ['is none', { user: '' }],
    ['is together with', { socketPath: '/x', host: 'y' }],
    ['is no path', { socketPath: '' }],
    ['need a host', { port: 1 }],
    ['no name and no address', { host: 'http://x' }],
    ['is none', { host: 'x', port: 0 }],
    ['there is one', { host: 'x', tls: { cert: 'c' } }],
  ]
  test.each(bad)('%s: %j', async (said, options) => {
    const error = await errorOf(new Promise((resolve) => resolve(docker(options))))
    expectHint(error, 'config.invalid', new RegExp(said))
    expect(error.effect).toBe('none')
  })

  test('the runtime says what isolation is promised', () => {
    const isolation = (runtime?: string): string => docker({ runtime }).resolve().isolation
    expect([undefined, 'runc', 'runsc', 'runsc-kvm', 'kata', 'kata-qemu', 'runscape'].map(isolation)).toEqual([
      ...['container', 'container', 'gvisor', 'gvisor', 'microvm', 'microvm', 'container'],
    ])
  })

  test('a state that is none of this provider is refused', async () => {
    for (const state of [
      { provider: 'local', id: 'a'.repeat(64), data: {} },
      { provider: 'docker', id: '../../images', data: {} },
    ])
      expect((await errorOf(docker().resume(state, { lifetimeMs: 1000 }, systemRuntime))).code).toBe('config.invalid')
  })
})

describe('docker without an engine', () => {
  const environment = { ...process.env }
  afterEach(() => {
    for (const name of ['DOCKER_HOST', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY']) delete process.env[name]
    Object.assign(process.env, environment)
  })

  test('no socket, nobody who listens, no such host', async () => {
    expectHint(await wrong({ socketPath: '/nowhere/docker.sock' }), 'sandbox.unavailable', /"\/nowhere\/docker.sock"/)
    expectHint(await wrong({ host: '127.0.0.1', port: 1 }), 'sandbox.unavailable', /127.0.0.1:1/)
    process.env.DOCKER_HOST = 'unix:///nowhere/by-environment.sock'
    expectHint(await wrong({}), 'sandbox.unavailable', /by-environment/)
    expect((await wrong({})).effect).toBe('none')
  })

  test('an environment that cannot be read', async () => {
    process.env.DOCKER_HOST = 'tcp://127.0.0.1:2376'
    process.env.DOCKER_CERT_PATH = '/nowhere/certificates'
    expectHint(await wrong({}), 'config.invalid', /nowhere/)
  })

  test('a remote engine that is silent is given up at the deadline', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => void sockets.push(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    defer(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const clock = manualClock()
    const silent = errorOf(docker({ host: '127.0.0.1', port: address.port }).create(requestFor(), { clock, random: systemRandom }))
    await clock.whenSleeping()
    await clock.advance(60_000)
    const error = await silent
    expect(error.code).toBe('provider.failed')
    expect(error.message).toMatch(/did not answer within 60000 ms/)
  })

  test('an engine that is too old, and what is no engine', async () => {
    for (const [body, said] of [
      [{ ApiVersion: '1.40' }, /too old.*1\.40/],
      [{ hello: 'world' }, /no Docker engine/],
    ] as const) {
      const proxy = await startProxy((exchange) => respond(exchange, 200, body))
      defer(() => proxy.close())
      expectHint(await wrong({ socketPath: proxy.socketPath }), 'sandbox.unavailable', said)
    }
  })
})

describe.skipIf(missing !== undefined)(`docker with bad input${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    await startEngine()
    await makeImages()
  })

  test('no permission on the socket', async () => {
    const { socketPath } = await import('./engine.ts')
    process.seteuid?.(65_534)
    const error = await wrong({ socketPath }).finally(() => process.seteuid?.(0))
    expectHint(error, 'sandbox.unavailable', /may not be used by this user/)
    expect(error.hint).toContain('group "docker"')
  })

  test('an image that nobody has, and a name that is none', async () => {
    const error = await errorOf(create({ image: 'registry.invalid/no/such-image' }))
    expectHint(error, 'sandbox.start-failed', /registry\.invalid\/no\/such-image/)
    expect(error.hint).toContain('docker pull')
    expect((await errorOf(create({ image: 'UPPER CASE'.replace(' ', '') }))).code).toBe('config.invalid')
    expect(await containers()).toEqual([])
  })

  test('an image without a shell', async () => {
    const image = `ringfence-test/shell-less:${BUSYBOX.split(':')[1]}`
    await make(image, (root) => {
      mkdirSync(join(root, 'bin'))
      cpSync(realpathSync('/bin/true'), join(root, 'bin/true'))
    })
    expectHint(await errorOf(create({ image })), 'sandbox.start-failed', /has no "sh"/)
    expect(await containers()).toEqual([])
  })

  test('a runtime that the engine does not know', async () => {
    expectHint(await errorOf(create({ runtime: 'no-such-runtime' })), 'sandbox.unavailable', /no-such-runtime/)
  })

  test('a limit that no container can have', async () => {
    const error = await errorOf(create({}, { limits: { memoryBytes: 1000 } }))
    expectHint(error, 'config.invalid', /emory/)
    expect((await errorOf(create({ user: '99999999' }))).code).toBe('config.invalid')
    expect(await containers()).toEqual([])
  })

  test('a lifetime that is over before the sandbox is ready leaves nothing', async () => {
    const sandbox = await create({}, { lifetimeMs: 1 }).catch((error) => error)
    if ('code' in sandbox) expect(sandbox.code).toBe('sandbox.start-failed')
    while ((await containers()).length > 0) await systemRuntime.clock.sleep(50)
  })
})
