import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, type JsonObject, systemClock } from '@ringfence/core'
import type { Script } from '../model/script.ts'
import { chatApi } from './chat/api.ts'
import { isObject } from './fields.ts'
import type { ServerReply, ServerRequest } from './reply.ts'
import { responsesApi } from './responses/api.ts'
import type { AnswerContext, WireApi } from './wire-api.ts'
import { problemAnswer, refuse } from './wire-problem.ts'

const APIS: readonly WireApi[] = [responsesApi, chatApi]
const MAX_BODY_BYTES = 64 * 1024 * 1024

export interface ModelServerOptions {
  /** What the model answers: replies one after another, or a function of the request and of its number from 0. */
  readonly respond: Script<ServerRequest, ServerReply>
  /** The one key that is accepted. Default: any, but there must be one. */
  readonly apiKey?: string | undefined
  /** Whose sleep `delayMs` is. Default the clock of the machine. */
  readonly clock?: Clock | undefined
}

/** A request that came, also one that was refused. */
export interface ServedRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The port of the client's end: the same for requests that came over one connection. */
  readonly clientPort: number
  /** Resolves when the answer has ended or its connection has gone. */
  readonly ended: Promise<void>
}

/** A model service on the loopback interface. */
export interface ModelServer extends AsyncDisposable {
  /** What a client takes as its base URL, with `/v1`. */
  readonly baseURL: string
  readonly requests: readonly ServedRequest[]
  /** The connections that are open now, idle ones included. */
  readonly connections: number
  /** Ends every answer and connection, and the server. */
  close(): Promise<void>
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    chunks.push(bytes)
    size += bytes.length
    if (size > MAX_BODY_BYTES) refuse('The request is too large.', { status: 413 })
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseBody(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The refusal says it.
    return refuse('We could not parse the JSON body of your request.')
  }
  return isObject(value) ? value : refuse('The body of the request is not an object.')
}

function checkKey(authorization: string | undefined, apiKey: string | undefined): void {
  const given = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1]
  if (given === undefined) refuse("You didn't provide an API key.", { status: 401 })
  if (apiKey !== undefined && given !== apiKey) refuse(`Incorrect API key provided: ${given}.`, { status: 401, code: 'invalid_api_key' })
}

function sendJson(response: ServerResponse, status: number, body: JsonObject, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Writes the frames as the client takes them, up to where the fault is. */
async function sendFrames(response: ServerResponse, reply: ServerReply, frames: Iterable<string>, signal: AbortSignal): Promise<void> {
  const { fault } = reply
  const limit = fault && 'afterEvents' in fault ? (fault.afterEvents ?? 0) : Number.POSITIVE_INFINITY
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  let sent = 0
  for (const frame of frames) {
    if (sent++ >= limit) break
    if (response.destroyed) return
    if (!response.write(frame)) await once(response, 'drain', { signal })
  }
  if (fault?.type === 'silent') {
    response.flushHeaders()
    return
  }
  if (fault?.type === 'broken') {
    // What was written must arrive before the connection breaks.
    await new Promise<void>((resolve) => response.write(': cut', () => resolve()))
    response.destroy()
    return
  }
  response.end()
}

/** Sends a reply; true when its fault left nothing to send. */
function sendFault(response: ServerResponse, { fault }: ServerReply): boolean {
  if (fault?.type === 'respond') {
    const { status, body, headers } = fault
    if (typeof body === 'string') response.writeHead(status, { ...headers }).end(body)
    else sendJson(response, status, body, headers)
    return true
  }
  if (fault?.type === 'broken' && fault.afterEvents === undefined) {
    response.destroy()
    return true
  }
  return fault?.type === 'silent' && fault.afterEvents === undefined
}

/**
 * Starts a model service on 127.0.0.1: `POST /v1/responses` and `POST /v1/chat/completions`, streaming or not. It refuses
 * what a real one refuses: a result without its call, an unknown type of tool, a schema that is not strict enough. It
 * knows function tools on both, custom ones on Responses, and none that the service itself carries out.
 */
export async function modelServer(options: ModelServerOptions): Promise<ModelServer> {
  const { respond, clock = systemClock } = options
  const exchanges = new Set<AbortController>()
  const sockets = new Set<Socket>()
  const requests: ServedRequest[] = []
  let turns = 0

  const replyTo = async (request: ServerRequest, turn: number): Promise<ServerReply> => {
    if (typeof respond === 'function') return respond(request, turn)
    return respond[turn] ?? refuse(`The script has ${respond.length} replies, and this is request ${turn + 1}.`, { status: 400 })
  }

  const serve = async (message: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> => {
    const path = (message.url ?? '').split('?')[0] ?? ''
    const text = await readBody(message)
    const ended = new Promise<void>((resolve) => response.once('close', resolve))
    requests.push({ path, headers: message.headers, body: text, clientPort: message.socket.remotePort ?? 0, ended })
    const api = APIS.find((one) => one.path === path)
    if (!api) return refuse(`Invalid URL (${message.method} ${path})`, { status: 404 })
    if (message.method !== 'POST') return refuse(`Not allowed to ${message.method} on ${path}.`, { status: 405 })
    checkKey(message.headers.authorization, options.apiKey)
    const request = api.read(parseBody(text))
    const turn = turns++
    const reply = await replyTo(request, turn)
    if (reply.delayMs !== undefined) await clock.sleep(reply.delayMs, { signal })
    if (sendFault(response, reply)) return
    const context: AnswerContext = { request, turn, created: Math.floor(clock.now() / 1000) }
    if (request.stream) await sendFrames(response, reply, api.frames(reply, context), signal)
    else sendJson(response, 200, api.whole(reply, context))
  }

  const server = createServer((message, response) => {
    const gone = new AbortController()
    exchanges.add(gone)
    response.once('close', () => {
      exchanges.delete(gone)
      gone.abort()
    })
    serve(message, response, gone.signal).catch((error: unknown) => {
      // A client that went away is told nothing.
      if (response.destroyed || gone.signal.aborted) return
      const { status, body } = problemAnswer(error)
      if (response.headersSent) response.destroy()
      else sendJson(response, status, body)
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= new Promise<void>((resolve) => {
      for (const exchange of exchanges) exchange.abort()
      server.close(() => resolve())
      server.closeAllConnections()
    })
    return closed
  }
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    requests,
    get connections() {
      return sockets.size
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
