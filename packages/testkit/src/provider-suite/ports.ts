import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { WorkspacePort } from '@ringfence/workspace'
import { conformanceError, expectBytes, expectCode, expectEqual, expectThrown, expectTrue } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { ports } from './features.ts'
import { site } from './port-server.ts'
import { eitherWay, open, type ProviderRequirement, requirement } from './subject.ts'

/** A connection that is dropped at the end. */
async function dial(port: WorkspacePort, { defer }: RequirementContext, host?: string): Promise<Socket> {
  const url = new URL(port.url)
  const socket = connect({ host: host ?? url.hostname, port: Number(url.port), allowHalfOpen: true })
  defer(() => void socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}

/** Reads to the end. */
async function rest(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Sends bytes and its end at once, and gives what comes back. */
async function reflect(socket: Socket, bytes: Uint8Array): Promise<Buffer> {
  socket.end(bytes)
  return rest(socket)
}

const bytesOf = ({ runtime }: RequirementContext, length: number): Buffer => Buffer.from(runtime.random.bytes(length))

/** Addresses of this machine by which others reach it. */
function outerAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((list = []) =>
    list.flatMap(({ internal, address, family }) => (internal || (family === 'IPv6' && address.startsWith('fe80')) ? [] : [address])),
  )
}

async function expectClosed(port: WorkspacePort, context: RequirementContext): Promise<void> {
  const error = await expectThrown(dial(port, context), 'A connection to a closed port')
  expectTrue(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED', `The connection failed with ${String(error)}`)
}

export const portRequirements: readonly ProviderRequirement[] = [
  requirement(
    'port.http',
    'An HTTP server inside is reached through the URL of its port, whatever the network of the sandbox is.',
    async (subject, context) => {
      const served = await site(subject, context, 'http')
      if (!served) return
      await served.start()
      const { url, headers } = await served.workspace.port(served.port)
      for (const path of ['/', '/a?b=c']) {
        const answer = await fetch(new URL(path, url), { headers, signal: context.signal })
        expectEqual(answer.status, 200, 'The status')
        const wanted = Buffer.concat([Buffer.from(`GET ${path}`), Buffer.from([0xff])])
        expectBytes(new Uint8Array(await answer.arrayBuffer()), wanted, 'The body')
      }
    },
    ports,
  ),
  requirement(
    'port.bytes',
    'What goes through a port is byte-exact both ways: one byte, all bytes, three megabytes.',
    async (subject, context) => {
      const served = await site(subject, context, 'mirror')
      if (!served) return
      await served.start()
      const port = await served.workspace.port(served.port)
      const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
      for (const sent of [Buffer.from('x'), all, bytesOf(context, 3_000_000)])
        expectBytes(await reflect(await dial(port, context), sent), sent, 'What came back')
    },
    ports,
  ),
  requirement(
    'port.half-close',
    'Who has sent all and closes its half still gets the answer.',
    async (subject, context) => {
      const served = await site(subject, context, 'last')
      if (!served) return
      await served.start()
      const port = await served.workspace.port(served.port)
      const socket = await dial(port, context)
      socket.write('one\n')
      expectEqual((await reflect(socket, Buffer.from('two\n'))).toString(), 'last <two>', 'The answer')
    },
    ports,
  ),
  requirement(
    'port.parallel',
    'Twenty connections at once have each their own bytes.',
    async (subject, context) => {
      const served = await site(subject, context, 'mirror')
      if (!served) return
      await served.start()
      const port = await served.workspace.port(served.port)
      const sent = Array.from({ length: 20 }, () => bytesOf(context, 20_000))
      // Each is through before the first one ends.
      const sockets = await Promise.all(
        sent.map(async (bytes) => {
          const socket = await dial(port, context)
          socket.write(bytes.subarray(0, 1))
          const [first] = await new Promise<Buffer>((resolve, reject) => {
            socket.once('data', resolve)
            socket.once('close', () => reject(conformanceError('A connection was closed at once')))
          })
          expectEqual(first, bytes[0], 'The first byte')
          socket.pause()
          return socket
        }),
      )
      const back = await Promise.all(sockets.map((socket, index) => reflect(socket, sent[index]?.subarray(1) ?? new Uint8Array())))
      for (const [index, bytes] of back.entries()) expectBytes(bytes, sent[index]?.subarray(1) ?? new Uint8Array(), `What ${index} got`)
    },
    ports,
  ),
  requirement(
    'port.loopback',
    'A port listens on the loopback address of this machine alone.',
    async (subject, context) => {
      const served = await site(subject, context, 'mirror')
      if (!served) return
      await served.start()
      const port = await served.workspace.port(served.port)
      expectEqual(new URL(port.url).hostname, '127.0.0.1', 'The host of the URL')
      for (const host of outerAddresses()) await expectThrown(dial(port, context, host), `A connection to "${host}"`)
    },
    ports,
  ),
  requirement(
    'port.waits',
    'A port that nothing listens on yet is waited for.',
    async (subject, context) => {
      const served = await site(subject, context, 'mirror')
      if (!served) return
      let settled = false
      const opening = served.workspace.port(served.port).finally(() => {
        settled = true
      })
      // It is awaited below; a failure before it must not go unhandled.
      opening.catch(() => undefined)
      // So many round trips are more than one look.
      for (let trip = 0; trip < 10 && !settled; trip++) await served.workspace.exec('true')
      expectTrue(!settled, 'It was not waited for')
      await served.start()
      expectEqual((await reflect(await dial(await opening, context), Buffer.from('late'))).toString(), 'late', 'What came back')
    },
    ports,
  ),
  requirement(
    'port.not-listening',
    'Where nothing listens in time, it is port.not-listening and names the port.',
    async (subject, context) => {
      const served = await site(subject, context, 'mirror')
      if (!served) return
      // Where the kernel does not tell who listens, nobody can wait for it.
      if ((await served.workspace.exec('[ -r /proc/net/tcp ]')).exitCode !== 0) return
      const error = await expectCode(served.workspace.port(served.port, { timeoutMs: 300 }), 'port.not-listening')
      expectEqual([error.details.port, error.effect], [served.port, 'none'], 'Port and effect')
      expectTrue(error.message.includes(String(served.port)), 'The message does not name the port')
    },
    ports,
  ),
  requirement(
    'port.closed',
    'A port is closed by close(), again without error, and with its workspace; connections through it end.',
    async (subject, context) => {
      const served = await site(subject, context, 'mirror')
      if (!served) return
      await served.start()
      const { workspace, port: number } = served
      const first = await workspace.port(number)
      const idle = await dial(first, context)
      const ended = eitherWay(rest(idle))
      await first.close()
      await first.close()
      await expectClosed(first, context)
      await ended
      const second = await workspace.port(number)
      await workspace.destroy()
      await expectClosed(second, context)
    },
    ports,
  ),
  requirement(
    'port.bad',
    'A port that is none, and a local one that is taken, are refused.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      for (const port of [0, -1, 65_536, 1.5, Number.NaN]) await expectCode(workspace.port(port), 'config.invalid', `The port ${port}`)
      const served = await site(subject, context, 'mirror')
      if (!served) return
      await served.start()
      const { url } = await served.workspace.port(served.port)
      const localPort = Number(new URL(url).port)
      await expectCode(served.workspace.port(served.port, { localPort }), 'config.invalid', 'A local port that is taken')
    },
    ports,
  ),
]
