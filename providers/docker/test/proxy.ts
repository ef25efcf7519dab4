import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { socketPath as engineSocket } from './engine.ts'

/** One request on its way to the engine. Each connection of the provider carries one. */
export interface Exchange {
  readonly method: string
  readonly path: string
  /** The head of the request and what of its body came with it. */
  readonly first: Buffer
  readonly client: Socket
  /** Breaks both sides. */
  cut(): void
  /** Changes what comes back, or drops it. */
  answer: ((bytes: Buffer) => Buffer | undefined) | undefined
}

export interface EngineProxy {
  readonly socketPath: string
  readonly exchanges: readonly Exchange[]
  /** The connections of which the provider has closed nothing yet. */
  open(): number
  close(): Promise<void>
}

/** Looks at a request before it is passed on. `true`: it was answered here, or is to hang. A promise holds it back until then. */
export type Look = (exchange: Exchange) => boolean | undefined | Promise<boolean | undefined>

/** Stands between a provider and the engine. */
export async function startProxy(look: Look = () => undefined, target = engineSocket): Promise<EngineProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'ringfence-proxy-'))
  const socketPath = join(directory, 'engine.sock')
  const exchanges: Exchange[] = []
  const clients = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client)
    client.on('error', () => client.destroy())
    client.on('close', () => clients.delete(client))
    client.once('data', (first) => {
      client.pause()
      const [method = '', path = ''] = first.toString('latin1').split(' ')
      const exchange: Exchange = { method, path, first, client, answer: undefined, cut: () => client.destroy() }
      exchanges.push(exchange)
      const go = (isTaken: boolean | undefined): void => {
        if (isTaken) client.resume()
        else forward(exchange, first, target)
      }
      const seen = look(exchange)
      if (seen instanceof Promise) void seen.then(go)
      else go(seen)
    })
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return {
    socketPath,
    exchanges,
    open: () => [...clients].filter((client) => !client.readableEnded).length,
    async close() {
      for (const client of clients) client.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function forward(exchange: Exchange, first: Buffer, target: string): void {
  const { client } = exchange
  const upstream = connect({ path: target, allowHalfOpen: true })
  upstream.on('error', () => client.destroy())
  client.on('close', () => upstream.destroy())
  upstream.on('close', () => client.destroySoon())
  upstream.write(first)
  client.pipe(upstream)
  upstream.on('data', (bytes) => {
    const passed = exchange.answer ? exchange.answer(bytes) : bytes
    if (passed && passed.length > 0 && !client.destroyed && !client.write(passed)) {
      upstream.pause()
      client.once('drain', () => upstream.resume())
    }
  })
  upstream.on('end', () => client.end())
}

/** Answers a request here. */
export function respond({ client }: Exchange, status: number, body: unknown): true {
  const text = JSON.stringify(body)
  client.end(`HTTP/1.1 ${status} Status\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  return true
}
