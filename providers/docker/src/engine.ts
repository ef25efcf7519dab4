import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { abortable, type RuntimeContext, throwIfAborted } from '@ringfence/core'
import { connectionFailure, errors, type Refusal, refused } from './errors.ts'
import { textAt } from './json.ts'
import type { Endpoint } from './options.ts'

/** One request to the engine. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | number>> | undefined
  readonly body?: object | undefined
  /** Sent as it is instead of `body`. */
  readonly archive?: Buffer | undefined
  /** What is told in errors. */
  readonly operation: string
  /** The sandbox that it is about: that the engine does not know it is `sandbox.gone`. */
  readonly id?: string | undefined
  /** Refusals that the caller wants to see as answers. */
  readonly accept?: readonly number[] | undefined
  readonly signal?: AbortSignal | undefined
  /** Until the whole answer is there, or the stream begins. Default 60,000. */
  readonly deadlineMs?: number | undefined
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  /** What the engine said when it refused. */
  readonly message: string
  /** The wall clock of the engine, in milliseconds; `NaN` where it does not tell. */
  readonly date: number
}

/** The API of an engine. Every connection serves one request, so that none can be stale. */
export interface Engine {
  readonly context: RuntimeContext
  call(call: Call): Promise<Answer>
  /** An answer as it arrives. The caller destroys it. */
  stream(call: Call): Promise<Readable>
  /** A connection that carries both directions after the answer. The caller destroys it. */
  upgrade(call: Call): Promise<Socket>
}

const DEADLINE_MS = 60_000
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** Every status is looked at here, not in the client. */
const STATUSES = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [index + 100, true]))
/** After this long in silence, the connection to a remote engine is probed. */
const KEEP_ALIVE_MS = 15_000

/** The part of the client that is used: it knows sockets, hosts, TLS and the environment. */
export interface Modem {
  dial(
    options: {
      path: string
      method: string
      headers: Record<string, string>
      options?: { _query: object | undefined; _body: object }
      file?: Buffer
      isStream: boolean
      hijack: boolean
      abortSignal: AbortSignal
      statusCodes: Record<number, boolean>
    },
    callback: (error: Error | null, result: unknown) => void,
  ): void
}

/** The API of an engine over its client. Does no I/O. */
export function openEngine(modem: Modem, where: string, context: RuntimeContext): Engine {
  const dial = (call: Call, hijack: boolean, signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { method, path, query, body, archive } = call
      modem.dial(
        {
          path: query ? `${path}?` : path,
          method,
          headers: { Connection: 'close' },
          ...(query || body ? { options: { _query: query, _body: body ?? {} } } : {}),
          ...(archive ? { file: archive } : {}),
          isStream: true,
          hijack,
          abortSignal: signal,
          statusCodes: STATUSES,
        },
        (error, result) => (error ? reject(error) : resolve(result)),
      )
    })

  /** Connects, and hands the result to `use` while the deadline still runs. */
  const request = async <T>(call: Call, hijack: boolean, use: (result: unknown) => Promise<T>): Promise<T> => {
    throwIfAborted(call.signal)
    const stop = new AbortController()
    const ended = new AbortController()
    const onAbort = (): void => stop.abort(call.signal?.reason)
    call.signal?.addEventListener('abort', onAbort, { once: true })
    const deadlineMs = call.deadlineMs ?? DEADLINE_MS
    context.clock.sleep(deadlineMs, { signal: ended.signal, unref: true }).then(
      () => stop.abort(errors.failed(call.operation, `The engine at "${where}" did not answer within ${deadlineMs} ms`)),
      // It answered in time, and the timer ended with it.
      () => undefined,
    )
    const dialled = dial(call, hijack, stop.signal)
    try {
      return await use(await abortable(dialled, stop.signal))
    } catch (error) {
      // What arrives after all is hung up.
      dialled.then(destroy, () => undefined)
      if (stop.signal.aborted) throw stop.signal.reason
      throw connectionFailure(call.operation, where, error)
    } finally {
      ended.abort()
      call.signal?.removeEventListener('abort', onAbort)
    }
  }

  const refuse = async (call: Call, response: IncomingMessage): Promise<never> => {
    const answer = await readAnswer(response)
    throw refused(call.operation, answer, call.id)
  }

  return {
    context,
    call: (call) =>
      request(call, false, async (result) => {
        const answer = await readAnswer(asResponse(result))
        if (isGood(answer.status) || call.accept?.includes(answer.status)) return answer
        throw refused(call.operation, answer, call.id)
      }),
    stream: (call) =>
      request(call, false, async (result) => {
        const response = asResponse(result)
        if (!isGood(response.statusCode)) return refuse(call, response)
        response.socket.setKeepAlive(true, KEEP_ALIVE_MS)
        return response
      }),
    upgrade: (call) =>
      request(call, true, async (result) => {
        if (!(result instanceof Socket)) return refuse(call, asResponse(result))
        // Whoever reads or writes learns of an error; before that it must not end the process.
        result.on('error', () => undefined)
        result.setKeepAlive(true, KEEP_ALIVE_MS)
        return result
      }),
  }
}

/**
 * The client, as options and environment say.
 *
 * @throws `config.invalid` for an environment that cannot be read.
 */
export async function openModem(endpoint: Endpoint): Promise<{ modem: Modem; where: string }> {
  const { default: Docker } = await import('dockerode')
  try {
    if (endpoint.kind === 'socket') {
      const { socketPath } = endpoint
      return { modem: new Docker({ ...NO_ENVIRONMENT, socketPath }).modem, where: socketPath }
    }
    if (endpoint.kind === 'tcp') {
      const { host, port, tls } = endpoint
      const options = { ...NO_ENVIRONMENT, host, port, protocol: tls ? 'https' : 'http', ...tls } as const
      return { modem: new Docker(options).modem, where: `${host}:${port}` }
    }
    return { modem: new Docker().modem, where: process.env.DOCKER_HOST ?? 'the default socket' }
  } catch (cause) {
    throw errors.invalid(
      'provider.options',
      `The engine that DOCKER_HOST names cannot be used: "${cause instanceof Error ? cause.message : String(cause)}"`,
      'Write it as in "unix:///var/run/docker.sock" or "tcp://host:2376", and check DOCKER_CERT_PATH.',
    )
  }
}

/** What would else come from the environment into named options. */
const NO_ENVIRONMENT = { host: undefined, port: undefined, protocol: 'http', ca: undefined, cert: undefined, key: undefined } as const

const isGood = (status: number | undefined): boolean => status !== undefined && ((status >= 200 && status < 300) || status === 304)

function asResponse(result: unknown): IncomingMessage {
  if (result instanceof IncomingMessage) return result
  throw errors.failed('engine.request', 'The answer of the engine is none of HTTP')
}

function destroy(result: unknown): void {
  if (result instanceof IncomingMessage || result instanceof Socket) result.destroy()
}

async function readAnswer(response: IncomingMessage): Promise<Answer & Refusal> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw errors.failed('engine.request', `The engine answers with more than ${MAX_ANSWER_BYTES} bytes`)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  const body = parse(text)
  return {
    status: response.statusCode ?? 0,
    body,
    message: textAt(body, 'message') || text.trim().slice(0, 2000),
    date: Date.parse(response.headers.date ?? ''),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Some answers are plain text; whoever looks for a field finds none.
    return text
  }
}
