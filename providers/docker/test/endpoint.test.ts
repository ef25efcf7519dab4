import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TlsOptions } from 'node:tls'
import { systemRuntime } from '@ringfence/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, makeImages } from './images.ts'
import { create, defer, errorOf, expectHint, finish, requestFor, sh } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'ringfence-tls-'))
const pem = (name: string): string => readFileSync(join(directory, name), 'utf8')

/** An authority, and a server and a client that it vouches for. */
function makeCertificates(): void {
  const openssl = (...words: string[]): unknown => execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.crt')
  writeFileSync(join(directory, 'ext'), 'subjectAltName=IP:127.0.0.1\n')
  for (const name of ['server', 'client']) {
    openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext']
    openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.crt`)
  }
}

/** The engine behind TLS that asks for a certificate of the client. */
async function tlsEngine(): Promise<number> {
  const sockets = new Set<Socket>()
  const options: TlsOptions = { cert: pem('server.crt'), key: pem('server.key'), ca: pem('ca.crt'), requestCert: true, allowHalfOpen: true }
  const server = createServer(options, (client) => {
    const upstream = connect({ path: socketPath, allowHalfOpen: true })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroySoon())
      one.pipe(other)
    }
  })
  // Also those whose handshake fails.
  server.on('connection', (raw) => sockets.add(raw))
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

describe.skipIf(missing !== undefined)(`docker endpoints${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    makeCertificates()
    await startEngine()
    await makeImages()
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  test('a remote engine over TLS carries streams in both directions', async () => {
    const tls = { ca: pem('ca.crt'), cert: pem('client.crt'), key: pem('client.key') }
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
    expectHint(await wrong({ ca: pem('ca.crt') }), 'sandbox.unavailable', /TLS|certificate/)
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
