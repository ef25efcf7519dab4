import { AsyncLocalStorage } from 'node:async_hooks'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { abortable, type RuntimeContext, throwIfAborted } from '@ringfence/core'
import type Docker from 'dockerode'
import { connectionFailure, errors, lost, type Refusal, refusalOf, refused, saidBy } from './errors.ts'
import type { Endpoint } from './options.ts'

/** An engine behind its client. Every connection serves one request, so that none can be stale. */
export interface Engine {
  readonly client: Docker
  /** Its socket or its address, for errors. */
  readonly where: string
  readonly context: RuntimeContext
}

/** What a request is for. */
export interface Purpose {
  /** What is told in errors. */
  readonly operation: string
  /** The sandbox that it is about: that the engine does not know it is `sandbox.gone`. */
  readonly id?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Until the whole answer is there, or the stream begins, in milliseconds. Default 60,000. */
  readonly deadlineMs?: number | undefined
}

/** An answer, or a refusal that the caller wants to see. */
export type Outcome<T> = { readonly answer: T; readonly refusal?: undefined } | { readonly answer?: undefined; readonly refusal: Refusal }

const DEADLINE_MS = 60_000
/** After this long in silence, the connection to a remote engine is probed. */
const KEEP_ALIVE_MS = 15_000

/** The signal of the request that is made: not every method of the client takes one, and what is given up must be hung up. */
const asking = new AsyncLocalStorage<AbortSignal>()

/** Makes requests under a deadline and the signal of the caller. Whatever fails is an error of this provider. */
export async function ask<T>(engine: Engine, purpose: Purpose, request: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
  const { context, where } = engine
  const { operation, id, signal, deadlineMs = DEADLINE_MS } = purpose
  throwIfAborted(signal)
  const stop = new AbortController()
  const answered = new AbortController()
  const onAbort = (): void => stop.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  context.clock.sleep(deadlineMs, { signal: answered.signal, unref: true }).then(
    () => stop.abort(lost(operation, `The engine at "${where}" did not answer within ${deadlineMs} ms`)),
    // It answered in time, and the timer ended with it.
    () => undefined,
  )
  try {
    return await abortable(
      asking.run(stop.signal, () => request(stop.signal)),
      stop.signal,
    )
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason
    const refusal = refusalOf(error)
    throw refusal ? refused(operation, refusal, id) : connectionFailure(operation, where, error)
  } finally {
    answered.abort()
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Takes a refusal with one of these statuses for an outcome. */
export async function outcome<T>(statuses: readonly number[], request: Promise<T>): Promise<Outcome<T>> {
  try {
    return { answer: await request }
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal && statuses.includes(refusal.status)) return { refusal }
    throw error
  }
}

/** An answer that carries both directions from now on. Whoever has it destroys it. */
export function connectionOf(answer: unknown): Socket {
  if (!(answer instanceof Socket)) {
    if (answer instanceof IncomingMessage) answer.destroy()
    throw errors.failed('engine.request', 'The engine does not hand over the connection')
  }
  // Whoever reads or writes learns of an error; before that it must not end the process.
  answer.on('error', () => undefined)
  answer.setKeepAlive(true, KEEP_ALIVE_MS)
  return answer
}

/** An answer as it arrives. Whoever has it destroys it. */
export function streamOf(answer: unknown): IncomingMessage {
  if (!(answer instanceof IncomingMessage)) throw errors.failed('engine.request', 'The answer of the engine is no stream')
  answer.socket.setKeepAlive(true, KEEP_ALIVE_MS)
  return answer
}

/**
 * The client, as options and environment say. Does no I/O.
 *
 * @throws `config.invalid` for an environment that cannot be read.
 */
export async function openClient(endpoint: Endpoint): Promise<Omit<Engine, 'context'>> {
  const { default: Client } = await import('dockerode')
  const open = (options: Docker.DockerOptions): Docker => readingWhole(new Client({ ...options, headers: { Connection: 'close' } }))
  try {
    if (endpoint.kind === 'socket')
      return { client: open({ ...NO_ENVIRONMENT, socketPath: endpoint.socketPath }), where: endpoint.socketPath }
    if (endpoint.kind === 'environment') return { client: open({}), where: process.env.DOCKER_HOST ?? 'the default socket' }
    const { host, port, tls } = endpoint
    return { client: open({ ...NO_ENVIRONMENT, host, port, protocol: tls ? 'https' : 'http', ...tls }), where: `${host}:${port}` }
  } catch (cause) {
    throw errors.invalid(
      'provider.options',
      `The engine that DOCKER_HOST names cannot be used: "${saidBy(cause)}"`,
      'Write it as in "unix:///var/run/docker.sock" or "tcp://host:2376", and check DOCKER_CERT_PATH.',
    )
  }
}

/** What would else come from the environment into named options. */
const NO_ENVIRONMENT = { host: undefined, port: undefined, protocol: 'http', ca: undefined, cert: undefined, key: undefined } as const

/** The client waits for ever for an answer that is cut in its middle. So it is given each as a stream, which is read here. */
function readingWhole(client: Docker): Docker {
  const { modem } = client
  const dial = modem.dial.bind(modem)
  modem.dial = (options, done) =>
    dial({ ...options, ...signalOf(asking.getStore()), isStream: true }, (error, answer) => {
      if (error || options.isStream || !(answer instanceof IncomingMessage)) done?.(error, answer)
      else
        text(answer).then(
          (body) => done?.(null, parsed(body)),
          (cut) => done?.(cut, null),
        )
    })
  return client
}

const signalOf = (abortSignal: AbortSignal | undefined): { abortSignal?: AbortSignal } => (abortSignal ? { abortSignal } : {})

function parsed(body: string): object {
  try {
    return JSON.parse(body)
  } catch {
    // Some answers are empty or plain text; whoever looks for a field finds none.
    return {}
  }
}
