import type { Socket } from 'node:net'
import type { ExitStatus } from '@ringfence/core'
import { inspectContainer, isRunning } from './container.ts'
import { ask, connectionOf, type Engine, outcome, type Purpose } from './engine.ts'
import { errors, lost, refused } from './errors.ts'
import type { Gate } from './gate.ts'
import { homeIn } from './scripts.ts'

export interface ExecRequest {
  readonly argv: readonly string[]
  readonly user: string
  readonly stdin: boolean
  readonly tty: boolean
  readonly env?: readonly string[] | undefined
  readonly operation: string
  readonly signal?: AbortSignal | undefined
  readonly gate: Gate
  /** Called each time that the container is found paused: the start waits until it goes on, unless this throws. */
  onPaused(): void
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
/** The code of a process that was killed, by somebody inside, for its memory, or with its container. */
const KILLED = 137
/** Between two looks at a paused container, in milliseconds. */
const PAUSED_MS = 200

/** The environment of the default user: one that is known by a number alone has no home by itself. */
export const homeOf = (user: string, isReadOnly: boolean): readonly string[] => (/^[0-9]/.test(user) ? [`HOME=${homeIn(isReadOnly)}`] : [])

/** Starts a process in a container: one request prepares it, and the second becomes the connection. */
export async function startExec(engine: Engine, container: string, request: ExecRequest): Promise<Exec> {
  const { argv, user, stdin, tty, env = [], operation, signal } = request
  const streams = { AttachStdin: stdin, AttachStdout: true, AttachStderr: true, Tty: tty }
  const what = { ...streams, Cmd: [...argv], User: user, WorkingDir: '/', Env: [...env] }
  const purpose = { operation, id: container, signal }
  const exec = await whenAwake(engine, purpose, request, () => engine.client.getContainer(container).exec({ ...what }))
  const socket = await whenAwake(engine, { ...purpose, deadlineMs: START_MS }, request, async () =>
    connectionOf(await exec.start({ hijack: true, Detach: false, Tty: tty })),
  )
  return { id: exec.id, container, socket }
}

/** Makes a request that an engine refuses while the container is paused. */
async function whenAwake<T>(engine: Engine, purpose: Purpose, { gate, onPaused }: ExecRequest, request: () => Promise<T>): Promise<T> {
  for (;;) {
    const { answer, refusal } = await gate.start(() => ask(engine, purpose, () => outcome([409], request())))
    if (!refusal) return answer
    if (!/paused/i.test(refusal.message)) throw refused(purpose.operation, refusal, purpose.id)
    onPaused()
    await engine.context.clock.sleep(PAUSED_MS, { signal: purpose.signal })
  }
}

/**
 * Whether the engine could not start a process at all, and wrote why where its output goes.
 *
 * @throws `sandbox.gone` when that is because the container ends.
 */
export async function neverStarted(engine: Engine, { id, container }: Exec, first: Uint8Array): Promise<boolean> {
  const said = Buffer.from(first).toString('latin1', 0, 500)
  if (!/^(?:OCI runtime|unable to|linux spec|cannot exec|failed to|Error)/.test(said)) return false
  const { answer } = await inspectExec(engine, id, 'process.output')
  const never = answer !== undefined && !answer.Running && !answer.Pid
  if (never && /stopped|not running/.test(said)) throw errors.gone('sandbox.spawn', container)
  return never
}

/**
 * How a process ended, once its streams have. An engine ends the streams after the process: when it still runs, the
 * connection was cut on the way.
 */
export async function exitOf(engine: Engine, { id, container }: Exec): Promise<ExitStatus> {
  const { clock } = engine.context
  const start = clock.monotonic()
  for (let pause = 5; ; pause = Math.min(pause * 2, 500)) {
    const { answer } = await inspectExec(engine, id, 'process.exit')
    if (answer && !answer.Running && answer.ExitCode !== null) {
      if (answer.ExitCode === KILLED && (await endsNow(engine, container))) throw errors.gone('process.exit', container)
      return { code: answer.ExitCode, signal: null }
    }
    if (!answer || clock.monotonic() - start > LATE_MS) break
    await clock.sleep(pause)
  }
  if (!isRunning(await inspectContainer(engine, container, 'process.exit'))) throw errors.gone('process.exit', container)
  throw lost('process.output', 'The connection to the process was cut; the process still runs')
}

/** Whether a container has ended or is about to: an engine may tell the end of its processes first. */
async function endsNow(engine: Engine, container: string): Promise<boolean> {
  for (const pause of [0, 100, 300, 600]) {
    await engine.context.clock.sleep(pause)
    const inspected = await inspectContainer(engine, container, 'process.exit')
    if (!isRunning(inspected) || inspected?.State.Status === 'removing') return true
  }
  return false
}

const inspectExec = (engine: Engine, id: string, operation: string) =>
  ask(engine, { operation }, () => outcome([404], engine.client.getExec(id).inspect()))
