import { Agent, type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { buffer, json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

/** The API of an engine, as plainly as Node can speak it. */
export interface EngineHttp {
  /** One request with its whole answer, as JSON where there is one. */
  call(method: string, path: string, body?: object): Promise<unknown>
  /** An answer as it comes. */
  stream(method: string, path: string, body?: object): Promise<IncomingMessage>
  /** Sends an archive. */
  upload(path: string, content: AsyncIterable<Uint8Array>): Promise<void>
  /** A request after which the connection carries both directions. */
  upgrade(path: string, body: object): Promise<Socket>
  /** Lets go of the connections that are kept. */
  close(): void
}

/** @throws Error for an answer that refuses. */
async function accepted(response: IncomingMessage): Promise<IncomingMessage> {
  if ((response.statusCode ?? 500) < 400) return response
  const said = await buffer(response)
  throw new Error(`The engine answers ${response.statusCode}: ${said.toString().trim()}`)
}

/** Plain requests share connections that stay open, as a client does that wants to be fast. */
export function engineHttp(socketPath: string): EngineHttp {
  const agent = new Agent({ keepAlive: true })
  const open = (method: string, path: string, headers: Record<string, string>, own: boolean): ReturnType<typeof request> =>
    request({ socketPath, method, path, headers, agent: own ? false : agent })

  function answered(outgoing: ReturnType<typeof request>): Promise<IncomingMessage> {
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve)
      outgoing.once('error', reject)
    })
    return response.then(accepted)
  }

  async function stream(method: string, path: string, body?: object): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const outgoing = open(method, path, text === undefined ? {} : { 'content-type': 'application/json' }, false)
    const answer = answered(outgoing)
    outgoing.end(text)
    return answer
  }

  return {
    stream,
    async call(method, path, body) {
      const response = await stream(method, path, body)
      if (response.headers['content-type']?.startsWith('application/json')) return json(response)
      await buffer(response)
      return undefined
    },
    async upload(path, content) {
      const outgoing = open('PUT', path, { 'content-type': 'application/x-tar' }, false)
      const answer = answered(outgoing)
      await pipeline(Readable.from(content), outgoing)
      await buffer(await answer)
    },
    upgrade(path, body) {
      const outgoing = open('POST', path, { 'content-type': 'application/json', connection: 'Upgrade', upgrade: 'tcp' }, true)
      const upgraded = new Promise<Socket>((resolve, reject) => {
        outgoing.once('upgrade', (_response, socket, head) => {
          if (head.length > 0) socket.unshift(head)
          resolve(socket)
        })
        outgoing.once(
          'response',
          (response) => void accepted(response).then(() => reject(new Error('The engine does not upgrade')), reject),
        )
        outgoing.once('error', reject)
      })
      outgoing.end(JSON.stringify(body))
      return upgraded
    },
    close: () => agent.destroy(),
  }
}
