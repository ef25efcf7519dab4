import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Certificates } from './certificates.ts'
import { socketPath as engineSocket } from './engine.ts'

/**
 * What a network does with a connection: `open` lets it through, `silent` keeps it and passes nothing on, `reset` breaks it.
 * What was there already is treated alike.
 */
export type Mode = 'open' | 'silent' | 'reset'

/** A port on 127.0.0.1 with the engine behind it, and a network between them that can be broken. */
export interface Network {
  readonly port: number
  set(mode: Mode): void
  /** The connections to it that a process of this machine still holds, as the kernel counts. */
  held(): number
  close(): Promise<void>
}

/** @param certificates with them it speaks TLS, and asks for a certificate of the client. */
export async function openNetwork(certificates?: Certificates): Promise<Network> {
  let mode: Mode = 'open'
  const raws = new Set<Socket>()
  const pairs = new Set<readonly [Socket, Socket]>()
  const through = (client: Socket): void => {
    const upstream = connect({ path: engineSocket, allowHalfOpen: true })
    const pair = [client, upstream] as const
    pairs.add(pair)
    for (const [one, other] of [pair, [upstream, client] as const]) {
      one.on('error', () => other.destroy())
      one.on('close', () => {
        pairs.delete(pair)
        other.destroySoon()
      })
      one.pipe(other)
    }
  }
  const tls =
    certificates && createTlsServer({ ...certificates.server, ca: certificates.ca, requestCert: true, allowHalfOpen: true }, through)
  // A handshake that fails is an affair of the client.
  tls?.on('tlsClientError', () => undefined)
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (raw) => {
    raws.add(raw)
    raw.on('error', () => raw.destroy())
    raw.on('close', () => raws.delete(raw))
    if (mode === 'reset') raw.resetAndDestroy()
    if (mode !== 'open') return
    if (tls) tls.emit('connection', raw)
    else through(raw)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { port } = address
  return {
    port,
    set(next) {
      mode = next
      if (mode === 'reset') for (const raw of raws) raw.resetAndDestroy()
      if (mode !== 'silent') return
      for (const pair of pairs) {
        for (const one of pair) {
          one.unpipe()
          one.pause()
        }
      }
    },
    held: () => connectionsTo(port),
    async close() {
      for (const [, upstream] of pairs) upstream.destroy()
      for (const raw of raws) raw.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Sockets that some process holds and whose other end is a port of this machine. What only the kernel still closes is none. */
function connectionsTo(port: number): number {
  const [, ...lines] = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n')
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return lines.map((line) => line.trim().split(/\s+/)).filter(([, , to = '', , , , , , , inode]) => to.endsWith(remote) && inode !== '0')
    .length
}
