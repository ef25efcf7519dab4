import { createServer } from 'node:net'
import { systemRuntime } from '@ringfence/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { type Certificates, makeCertificates } from './certificates.ts'
import { missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, makeImages } from './images.ts'
import { openNetwork } from './network.ts'
import { create, defer, errorOf, expectHint, expectToldClearly, finish, requestFor, sh } from './support.ts'

let certificates: Certificates | undefined

/** The engine behind TLS that asks for a certificate of the client. */
async function tlsEngine(): Promise<number> {
  const network = await openNetwork(certificates)
  defer(() => network.close())
  return network.port
}

describe.skipIf(missing !== undefined)(`docker endpoints${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    certificates = makeCertificates()
    await startEngine()
    await makeImages()
  })
  afterAll(() => certificates?.remove())

  test('a remote engine over TLS carries streams in both directions', async () => {
    const tls = { ca: certificates?.ca, ...certificates?.client }
    const sandbox = await create({ socketPath: undefined, host: '127.0.0.1', port: await tlsEngine(), tls })
    const process = await sandbox.spawn(['sh', '-c', 'n=$(wc -c); echo "read $((n))"'], { stdin: true })
    const done = finish(process)
    await process.stdin?.write(Buffer.alloc(300_000, 'x'))
    await process.stdin?.end()
    expect((await done).stdout).toBe('read 300000\n')
  })

  test('a certificate that nobody vouches for, and a client without one', async () => {
    const port = await tlsEngine()
    const wrong = async (tls: object): Promise<Awaited<ReturnType<typeof errorOf>>> =>
      errorOf(docker({ image: BUSYBOX, host: '127.0.0.1', port, tls }).create(requestFor(), systemRuntime))
    expectHint(await wrong({}), 'sandbox.unavailable', /TLS/)
    expectHint(await wrong({ ca: certificates?.ca }), 'sandbox.unavailable', /TLS|certificate/)
  })

  test('a port that something else has, and an engine with TLS that is asked without', async () => {
    const banner = createServer(
      (socket) =>
        void socket
          .on('error', () => undefined)
          .resume()
          .end('SSH-2.0-OpenSSH_9.2\r\n'),
    )
    await new Promise<void>((resolve) => banner.listen(0, '127.0.0.1', resolve))
    defer(() => new Promise((resolve) => banner.close(resolve)))
    const address = banner.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    for (const port of [address.port, await tlsEngine()]) {
      const error = await errorOf(docker({ image: BUSYBOX, host: '127.0.0.1', port }).create(requestFor(), systemRuntime))
      expectToldClearly(error, ['sandbox.unavailable', 'provider.failed'])
      expect(error.message).toContain(`127.0.0.1:${port}`)
    }
  })

  test('DOCKER_HOST names the engine, and an option wins over it', async () => {
    const before = process.env.DOCKER_HOST
    try {
      process.env.DOCKER_HOST = `unix://${socketPath}`
      expect(await sh(await create({ socketPath: undefined }), 'echo here')).toBe('here\n')
      process.env.DOCKER_HOST = 'tcp://127.0.0.1:1'
      expect(await sh(await create({ socketPath }), 'echo here')).toBe('here\n')
    } finally {
      if (before === undefined) delete process.env.DOCKER_HOST
      else process.env.DOCKER_HOST = before
    }
  })
})
