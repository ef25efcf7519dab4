import { connect, createServer, type Socket } from 'node:net'
import { isRingfenceError } from '@ringfence/core'
import type { Workspace, WorkspacePort } from '@ringfence/workspace'
import { conformanceError } from '../../assert/assert.ts'
import { engineOf } from '../subject.ts'
import { type ProviderMutant, workspace } from './mutate.ts'

/** A fault of how a port is asked for, or of what it is. */
function port(id: string, breaks: readonly string[], fault: (real: Workspace['port']) => Workspace['port']): ProviderMutant {
  return workspace(id, breaks, (real) => ({ port: fault(real.port) }))
}

/** A fault of each connection through a port: between its user and the real one, with how many others there are. */
function through(id: string, breaks: readonly string[], join: (user: Socket, real: Socket, others: number) => void): ProviderMutant {
  return port(id, breaks, (open) => async (number, options) => {
    const real = await open(number, options)
    const { hostname, port: behind } = new URL(real.url)
    const sockets = new Set<Socket>()
    const keep = (socket: Socket): Socket => {
      sockets.add(socket.on('close', () => sockets.delete(socket)))
      // Its other end sees that it broke.
      return socket.on('error', () => socket.destroy()).unref()
    }
    const server = createServer({ allowHalfOpen: true }, (user) => {
      const others = sockets.size
      join(keep(user), keep(connect({ host: hostname, port: Number(behind), allowHalfOpen: true })), others)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    // Nobody tells it of the end of the workspace.
    server.unref()
    const address = server.address()
    if (address === null || typeof address === 'string') throw conformanceError('The mutant has no port')
    return {
      ...real,
      url: `http://127.0.0.1:${address.port}`,
      async close() {
        server.close()
        for (const socket of sockets) socket.destroy()
        await real.close()
      },
    }
  })
}

const NO_PORT: WorkspacePort = { url: 'http://127.0.0.1:9', headers: {}, close: async () => undefined }

/** Gives one that is none in the place of an error. */
const always =
  (open: Workspace['port']): Workspace['port'] =>
  (number, options) =>
    open(number, options).catch((error: unknown) => {
      if (isRingfenceError(error)) return NO_PORT
      throw error
    })

export const portMutants: readonly ProviderMutant[] = [
  through('port-answers-for-itself', ['port.http'], (user) => void user.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n')),
  through('port-as-text', ['port.bytes'], (user, real) => {
    user.pipe(real)
    real.on('data', (bytes) => user.write(bytes.toString('utf8'))).on('end', () => user.end())
  }),
  through('port-closes-both-halves', ['port.half-close'], (user, real) => {
    user.on('data', (bytes) => real.write(bytes)).on('end', () => real.destroy())
    real.on('close', () => user.destroy())
  }),
  through('port-for-one-at-a-time', ['port.parallel'], (user, real, others) => {
    if (others > 0) user.destroy()
    else user.pipe(real).pipe(user)
  }),
  port('port-on-all-addresses', ['port.loopback'], (open) => (number, options) => open(number, { ...options, host: '0.0.0.0' })),
  port('port-in-a-hurry', ['port.waits'], (open) => (number, options) => open(number, { ...options, timeoutMs: 1 })),
  port('port-of-nothing', ['port.not-listening', 'port.bad'], always),
  port('port-stays-open', ['port.closed'], (open) => async (number, options) => ({
    ...(await open(number, options)),
    close: async () => undefined,
  })),
  {
    id: 'pool-is-passed-by',
    breaks: ['pool.taken'],
    mutate: (subject) => ({ ...subject, openWorkspace: (options) => engineOf(subject)({ ...options, sandbox: subject.provider }) }),
  },
]
