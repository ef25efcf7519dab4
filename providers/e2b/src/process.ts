import { abortable, type ExitStatus, type OutputChunk, type Process, throwIfAborted } from '@ringfence/core'
import { cutReason } from './client.ts'
import { deferred } from './deferred.ts'
import { CODE, errors, failureOf } from './errors.ts'
import { begin, type Connection, cut, type Heard, heard } from './events.ts'
import { checkOpen, type Link, type OpenStream, whenAwake } from './link.ts'
import { headersOf, type ProcessEvents, selectorOf } from './rpc.ts'
import { inputOf } from './stdin.ts'

export interface ProcessRequest {
  readonly operation: string
  readonly argv: readonly string[]
  readonly user?: string | undefined
  readonly stdin: boolean
  /** Columns and rows of a terminal. */
  readonly size?: readonly [number, number] | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Started extends Process {
  readonly pid: number
}

const detached = (): Error => errors.failed('process.exit', 'The process was detached: its end is not known here')

/** Starts a process, and waits until it has begun. */
export async function startProcess(link: Link, request: ProcessRequest): Promise<Started> {
  const { operation, signal } = request
  await whenAwake(link, operation, signal)
  throwIfAborted(signal)
  const stop = new AbortController()
  const starting = begin(link, operation, stop, (abort) => open(link, request, abort))
  link.starting.add(starting)
  try {
    const connection = await abortable(starting, signal)
    const process = processOf(link, request, connection, stop)
    if (link.isClosed) await process.detach()
    checkOpen(link, operation)
    return process
  } catch (error) {
    stop.abort()
    throwIfAborted(signal)
    checkOpen(link, operation)
    throw await startFailure(link, request, error)
  } finally {
    link.starting.delete(starting)
  }
}

function open(link: Link, { argv: [cmd = '', ...args], user, stdin, size }: ProcessRequest, signal: AbortSignal): ProcessEvents {
  const options = { signal, headers: headersOf(user) }
  if (!size) return link.rpc.start({ process: { cmd, args, cwd: '/' }, stdin }, options)
  const [cols, rows] = size
  return link.rpc.start({ process: { cmd, args, cwd: '/', envs: { TERM: 'xterm-256color' } }, pty: { size: { cols, rows } } }, options)
}

async function startFailure(link: Link, { operation, argv, user }: ProcessRequest, error: unknown): Promise<unknown> {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const { code, message } = failureOf(cause)
  if (code === CODE.invalidArgument) return errors.spawnFailed(argv, message, cause)
  if (code === CODE.unauthenticated && user !== undefined) return errors.spawnFailed(argv, `there is no user "${user}": ${message}`, cause)
  return cutReason(link.client, operation, link.id, cause)
}

function processOf(link: Link, { user, stdin, size, signal }: ProcessRequest, first: Connection, firstStop: AbortController): Started {
  const { pid } = first
  const queue: Heard[] = []
  const exit = deferred<ExitStatus>()
  const over = deferred<void>()
  let current = { connection: first, stop: firstStop }
  let ended: { readonly error: unknown; readonly quiet: boolean } | undefined
  let reading: Promise<void> | undefined

  const end = (error: unknown, quiet: boolean): void => {
    if (ended) return
    ended = { error, quiet }
    link.streams.delete(stream)
    signal?.removeEventListener('abort', onAbort)
    exit.reject(error)
    over.resolve()
    current.stop.abort()
  }
  const onAbort = (): void => end(signal?.reason, false)
  const step = async (): Promise<void> => {
    const { connection } = current
    try {
      const event = heard(await connection.next())
      if (event) queue.push(event)
    } catch (error) {
      // While the sandbox is held its connections are cut; a new one takes the place of this one.
      if (link.hold) await link.hold.promise
      else if (!ended && connection === current.connection) end(await cut(link, error), false)
    }
  }
  /** One event at a time, whoever asks for it. */
  const fill = (): Promise<void> => {
    reading ??= step().finally(() => {
      reading = undefined
    })
    return Promise.race([reading, over.promise])
  }
  const hasEnded = (): boolean => queue.some((event) => 'exit' in event)
  const stream: OpenStream = {
    canStop: user === undefined,
    drain() {
      const { hold } = link
      const on = async (): Promise<void> => {
        while (!ended && !hasEnded() && link.hold === hold) await fill()
      }
      void on()
    },
    async reopen() {
      if (ended || hasEnded()) return
      const stop = new AbortController()
      const old = current.stop
      try {
        const process = selectorOf(pid)
        const connection = await begin(link, 'process.output', stop, (abort) =>
          link.rpc.connect({ process }, { signal: abort, headers: headersOf(undefined) }),
        )
        current = { connection, stop }
        old.abort()
        if (ended) stop.abort()
      } catch (error) {
        end(await cut(link, error), false)
      }
    },
    end: (error) => end(error, false),
  }
  async function* read(): AsyncGenerator<OutputChunk> {
    try {
      while (!ended) {
        const next = queue.shift()
        if (!next) await fill()
        else if ('chunk' in next) yield next.chunk
        else {
          exit.resolve(next.exit)
          break
        }
      }
    } finally {
      end(detached(), true)
    }
    if (ended && !ended.quiet) throw ended.error
  }
  link.streams.add(stream)
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    pid,
    output: read(),
    exit: exit.promise,
    async detach() {
      end(detached(), true)
    },
    stdin: stdin ? inputOf(link, { pid, isTerminal: size !== undefined, hasEnded: () => ended !== undefined || hasEnded() }) : undefined,
  }
}
