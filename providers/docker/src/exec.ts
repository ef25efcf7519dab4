import type { Socket } from 'node:net'
import type { ExitStatus } from '@ringfence/core'
import { inspectContainer, isRunning } from './container.ts'
import type { Engine } from './engine.ts'
import { errors } from './errors.ts'
import { at, numberAt, textAt } from './json.ts'
import { HOME } from './scripts.ts'

export interface ExecRequest {
  readonly argv: readonly string[]
  readonly user: string
  readonly stdin: boolean
  readonly tty: boolean
  readonly env?: readonly string[] | undefined
  readonly operation: string
  readonly signal?: AbortSignal | undefined
}

/** A process that the engine started, and the connection to its streams. */
export interface Exec {
  readonly id: string
  readonly container: string
  readonly socket: Socket
}

/** How long a process may seem to run after its streams have ended, in milliseconds: some engines tell its end late. */
const LATE_MS = 3000
const START_MS = 120_000

/** The environment of the default user, whose home is in the volume where it is known by a number alone. */
export const homeOf = (user: string): readonly string[] => (/^[0-9]/.test(user) ? [`HOME=${HOME}`] : [])

/** Starts a process in a container: one request prepares it, and the second becomes the connection. */
export async function startExec(engine: Engine, container: string, request: ExecRequest): Promise<Exec> {
  const { argv, user, stdin, tty, env, operation, signal } = request
  const { body } = await engine.call({
    method: 'POST',
    path: `/containers/${container}/exec`,
    body: { AttachStdin: stdin, AttachStdout: true, AttachStderr: true, Tty: tty, Cmd: argv, User: user, WorkingDir: '/', Env: env ?? [] },
    operation,
    id: container,
    signal,
  })
  const id = textAt(body, 'Id')
  const socket = await engine.upgrade({
    method: 'POST',
    path: `/exec/${id}/start`,
    body: { Detach: false, Tty: tty },
    operation,
    id: container,
    signal,
    deadlineMs: START_MS,
  })
  return { id, container, socket }
}

/** Whether the engine could not start a process at all, and wrote why where its output goes. */
export async function neverStarted(engine: Engine, { id }: Exec, first: Uint8Array): Promise<boolean> {
  if (!/^(?:OCI runtime|unable to|linux spec|cannot exec|failed to|Error)/.test(Buffer.from(first).toString('latin1', 0, 32))) return false
  const { body, status } = await engine.call({ method: 'GET', path: `/exec/${id}/json`, operation: 'process.output', accept: [404] })
  return status === 200 && at(body, 'Running') === false && numberAt(body, 'Pid') === 0
}

/**
 * How a process ended, once its streams have. An engine ends the streams after the process: when it still runs, the
 * connection was cut on the way.
 */
export async function exitOf(engine: Engine, { id, container }: Exec): Promise<ExitStatus> {
  const { clock } = engine.context
  const start = clock.monotonic()
  for (let pause = 5; ; pause = Math.min(pause * 2, 500)) {
    const { status, body } = await engine.call({ method: 'GET', path: `/exec/${id}/json`, operation: 'process.exit', accept: [404] })
    const code = at(body, 'ExitCode')
    if (status === 200 && at(body, 'Running') === false && typeof code === 'number') return { code, signal: null }
    if (status === 404 || clock.monotonic() - start > LATE_MS) break
    await clock.sleep(pause)
  }
  if (!isRunning(await inspectContainer(engine, container, 'process.exit'))) throw errors.gone('process.exit', container)
  throw errors.failed('process.output', 'The connection to the process was cut; the process still runs')
}
