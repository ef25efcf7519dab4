import type { ExitStatus, OutputChunk } from '@ringfence/core'
import { ask, cutReason } from './client.ts'
import { errors } from './errors.ts'
import type { Link } from './link.ts'
import type { ProcessEvent, ProcessEvents } from './rpc.ts'

/** What a reader of a process gets. */
export type Heard = { readonly chunk: OutputChunk } | { readonly exit: ExitStatus }

/** Names of signals, from what Go calls them. */
const SIGNALS: Readonly<Record<string, string>> = {
  hangup: 'SIGHUP',
  interrupt: 'SIGINT',
  quit: 'SIGQUIT',
  'illegal instruction': 'SIGILL',
  aborted: 'SIGABRT',
  'floating point exception': 'SIGFPE',
  killed: 'SIGKILL',
  'segmentation fault': 'SIGSEGV',
  'broken pipe': 'SIGPIPE',
  'alarm clock': 'SIGALRM',
  terminated: 'SIGTERM',
  'user defined signal 1': 'SIGUSR1',
  'user defined signal 2': 'SIGUSR2',
}
/** Three of the signs of life that were asked for are missing. */
const SILENT_MS = 160_000

function exitOf({ exitCode, exited, status }: { exitCode: number; exited: boolean; status: string }): ExitStatus {
  if (exited || exitCode >= 0) return { code: exitCode, signal: null }
  const name = /^signal: (.*?)(?: \(core dumped\))?$/.exec(status)?.[1] ?? status
  return { code: null, signal: SIGNALS[name] ?? 'SIGKILL' }
}

/** What an event is for the reader; `undefined` for a sign of life. */
export function heard(event: ProcessEvent): Heard | undefined {
  if (event.case === 'end') return { exit: exitOf(event.value) }
  if (event.case !== 'data') return undefined
  const { case: stream, value } = event.value.output
  return value === undefined ? undefined : { chunk: { fd: stream === 'stderr' ? 2 : 1, bytes: value } }
}

/** The events of a connection to a process that has begun. */
export interface Connection {
  readonly pid: number
  /** The next event. Throws when the connection is cut, or silent for too long. */
  next(): Promise<ProcessEvent>
}

/** Waits for the first event of a stream, which tells the number of the process. */
export async function begin(
  link: Link,
  operation: string,
  stop: AbortController,
  open: (signal: AbortSignal) => ProcessEvents,
): Promise<Connection> {
  const { client } = link
  const events = open(stop.signal)[Symbol.asyncIterator]()
  const read = async (): Promise<ProcessEvent> => {
    const { done, value } = await events.next()
    if (done) throw errors.failed('process.output', 'The connection to the process was cut')
    return value.event?.event ?? { case: undefined }
  }
  try {
    const first = await ask(client, { operation }, read)
    if (first.case !== 'start') throw errors.failed(operation, 'The service began with something else than the start of the process')
    return { pid: first.value.pid, next: () => ask(client, { operation: 'process.output', deadlineMs: SILENT_MS }, read) }
  } catch (error) {
    stop.abort()
    throw error
  }
}

/** What the end of a connection means, that had no end of its process. */
export const cut = (link: Link, error: unknown): Promise<unknown> => {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  return cutReason(link.client, 'process.output', link.id, cause)
}
