import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import {
  abortable,
  type ExitStatus,
  isRingfenceError,
  type OutputChunk,
  type Process,
  type TerminalSize,
  throwIfAborted,
} from '@ringfence/core'
import { quoteAll } from '@ringfence/core/plugin'
import { deferred } from './deferred.ts'
import { errors } from './errors.ts'
import { holdOpen, openReader, openWriter } from './fifo.ts'
import { freezerOf } from './freezer.ts'
import type { Link, Slot } from './link.ts'
import { mergeOutput } from './output.ts'
import { followReport, type Report, type Started } from './report.ts'
import { openInput } from './stdin.ts'
import { within } from './within.ts'

export interface StartRequest {
  readonly argv: readonly string[]
  readonly stdin: boolean
  /** With a size the process is started on a terminal. */
  readonly size?: TerminalSize | undefined
  readonly signal?: AbortSignal | undefined
}

/** A process, and where it runs inside. */
export interface Running {
  readonly process: Process
  readonly pid: number
  /** The process id of script(1), which holds the terminal, and the number of the terminal. */
  readonly script: number | undefined
  readonly terminal: string | undefined
}

/** A start that is not answered in this time failed: the loop inside was stopped by what runs there. */
const START_MS = 60_000

/** Starts a process and waits until it runs. */
export async function startProcess(link: Link, request: StartRequest): Promise<Running> {
  const { argv, size, signal } = request
  throwIfAborted(signal)
  const ends = await prepare(link, request)
  try {
    throwIfAborted(signal)
    link.check('sandbox.spawn')
    link.send(`${size ? 'terminal' : 'launch'} ${ends.name}`)
    const started = await abortable(answerOf(link, ends.report), signal)
    if (started?.kind === 'started') {
      if (started.pid < 3) throw errors.failed('sandbox.spawn', `The process reports the id "${started.pid}", which is none of its own`)
      return running(link, request, ends, started)
    }
    throw await startError(link, argv, started)
  } catch (error) {
    ends.close()
    throw error
  } finally {
    ends.letGo()
  }
}

/** While the sandbox is paused there is no answer, and no end of the waiting. */
async function answerOf({ layout, context }: Link, { started }: Report): Promise<Started | undefined> {
  for (;;) {
    const answer = await within(started, START_MS, context)
    if (answer || !freezerOf(layout)?.isFrozen()) return answer
  }
}

/** Opens the channels. Where their directory is missing, the sandbox is gone. */
async function prepare(link: Link, request: StartRequest): Promise<Ends> {
  try {
    return openEnds(await link.takeSlot(), request)
  } catch (cause) {
    link.check('sandbox.spawn')
    if (existsSync(link.layout.directory))
      throw isRingfenceError(cause) ? cause : errors.failed('sandbox.spawn', `No channel could be opened: ${String(cause)}`, cause)
    throw errors.gone('sandbox.spawn', link.layout.id, cause)
  }
}

interface Ends {
  readonly name: string
  readonly report: Report
  readonly channel: Socket
  readonly streams: readonly (readonly [1 | 2, Socket])[]
  readonly input: Socket | undefined
  /** Removes the names: from now on nothing else inside can open the FIFOs. */
  letGo(): void
  close(): void
}

/** Opens the host's ends before anything is asked for, so that nobody waits for the other side. */
function openEnds({ name, path }: Slot, { argv, stdin, size }: StartRequest): Ends {
  const opened: Socket[] = []
  const keep = (socket: Socket): Socket => {
    opened.push(socket)
    return socket
  }
  const sized = size ? `columns=${size.columns} rows=${size.rows}\n` : ''
  writeFileSync(`${path}.a`, `input=${stdin ? '$slot.i' : '/dev/null'}\n${sized}set -- ${quoteAll(argv)}\n`)
  chmodSync(`${path}.a`, 0o644)
  const release = stdin ? holdOpen(`${path}.i`) : (): void => undefined
  try {
    const channel = keep(openReader(`${path}.x`))
    const streams = [[1, keep(openReader(`${path}.o`))] as const, ...(size ? [] : [[2, keep(openReader(`${path}.e`))] as const])]
    return {
      name,
      report: followReport(channel),
      channel,
      streams,
      input: stdin ? keep(openWriter(`${path}.i`)) : undefined,
      letGo() {
        for (const end of ['a', 'i', 'o', 'e', 'x']) rmSync(`${path}.${end}`, { force: true })
        release()
      },
      close() {
        for (const socket of opened) socket.destroy()
      },
    }
  } catch (error) {
    for (const socket of opened) socket.destroy()
    release()
    throw error
  }
}

async function startError(link: Link, argv: readonly string[], started: Started | undefined): Promise<Error> {
  switch (started?.kind) {
    case 'missing':
      return started.program === undefined
        ? errors.spawnFailed(argv, 'there is no such program')
        : errors.unavailable(
            'sandbox.pty',
            `The program "${started.program}" is not there`,
            'Install it on the host: it belongs to util-linux.',
          )
    case 'failed':
      return errors.spawnFailed(argv, started.said)
    case 'cut':
      return link.explain('sandbox.spawn')
    default:
      return errors.failed('sandbox.spawn', `The sandbox did not answer within ${START_MS / 1000} seconds`)
  }
}

function running(
  link: Link,
  { argv, signal }: StartRequest,
  ends: Ends,
  { pid, script, terminal }: Started & { kind: 'started' },
): Running {
  const output = mergeOutput(ends.streams)
  const exit = deferred<ExitStatus>()
  // Nobody needs to wait for the end: a rejection that is not looked at ends nothing.
  exit.promise.catch(() => undefined)
  let over = false
  let stopped: { readonly reason: unknown } | undefined
  const letGo = (): void => {
    over = true
    signal?.removeEventListener('abort', onAbort)
    forget()
    ends.close()
  }
  /** Lets go of the channels early. With `told` a reader that waits gets the reason; without, the output just ends. */
  const stop = (reason: unknown, told: boolean): void => {
    if (over) return
    letGo()
    if (told) stopped = { reason }
    exit.reject(reason)
    output.close()
  }
  const onAbort = (): void => stop(signal?.reason, true)
  const forget = link.onClose((reason) => stop(reason, true))
  signal?.addEventListener('abort', onAbort, { once: true })
  const detach = async (): Promise<void> =>
    stop(errors.failed('process.exit', `The process of "${argv[0] ?? ''}" was detached: its end is not known here`), false)

  async function* read(): AsyncGenerator<OutputChunk, void, undefined> {
    let complete = false
    try {
      yield* output.chunks()
      if (!over) {
        const end = await ends.report.ended
        if (end.kind !== 'exit') stop(end.kind === 'cut' ? await link.explain('process.output') : forged(), true)
        else if (!over) {
          letGo()
          exit.resolve(end.status)
        }
      }
      complete = true
      if (stopped) throw stopped.reason
    } finally {
      if (!complete) await detach()
    }
  }
  const process: Process = {
    output: read(),
    exit: exit.promise,
    detach,
    stdin: ends.input && openInput(ends.input),
    async kill(name) {
      if (!over) link.send(`kill ${name.slice(3)} ${pid}`)
    },
  }
  return { process, pid, script, terminal }
}

const forged = (): Error =>
  errors.failed('process.exit', 'What came as the end of the process is none: it was forged inside of the sandbox')
