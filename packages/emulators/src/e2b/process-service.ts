import type { ServerResponse } from 'node:http'
import type { Answer, Fields } from './answer.ts'
import { fieldsOf, numberOf, textOf, textsOf } from './answer.ts'
import { beginStream, ConnectFailure, endStream, writeMessage } from './connect.ts'
import type { Ended, Running, Subscriber } from './processes.ts'
import type { Sandbox } from './sandboxes.ts'

export interface Call {
  readonly sandbox: Sandbox
  readonly user: string
  readonly message: Fields
  /** Milliseconds until the process is killed. */
  readonly timeoutMs: number | undefined
  /** How often a silent stream shows that it lives, in milliseconds. */
  readonly keepAliveMs: number
}

type Procedure = (call: Call) => Promise<Answer>

const ok = (body: object = {}): Answer => ({ status: 200, body })
const sizeOf = (value: unknown): readonly [number, number] => {
  const { cols, rows } = fieldsOf(fieldsOf(value).size)
  return [numberOf(cols) ?? 80, numberOf(rows) ?? 24]
}

const selected = ({ sandbox, message }: Call): Running => sandbox.processes.get(fieldsOf(message.process).pid)

const alive = (call: Call): Running => {
  const running = selected(call)
  if (running.ended) throw new ConnectFailure('not_found', `process with pid ${running.pid} not found`)
  return running
}

/** The events of a process: what came before the stream was begun waits for it. */
function eventsOf({ timeoutMs, keepAliveMs }: Call): { subscriber: Subscriber; answer(running: Running): Answer } {
  let write: ((message: object) => boolean) | undefined
  let finish: ((ended: Ended | undefined) => void) | undefined
  const early: object[] = []
  let ended: { readonly how: Ended | undefined } | undefined
  const put = (event: object): boolean => {
    if (write) return write({ event })
    early.push({ event })
    return true
  }
  const subscriber: Subscriber = {
    data: (stream, bytes) => put({ data: { [stream]: bytes.toString('base64') } }),
    end(how) {
      ended = { how }
      finish?.(how)
    },
  }
  return {
    subscriber,
    answer: (running) => ({
      stream(response: ServerResponse) {
        beginStream(response)
        response.on('drain', () => running.process.flow(true))
        response.on('close', () => {
          clearTimeout(timer)
          clearInterval(keepAlive)
          running.subscribers.delete(subscriber)
          // Nobody else holds it back.
          running.process.flow(true)
        })
        const timer =
          timeoutMs === undefined
            ? undefined
            : setTimeout(() => {
                // It may have ended meanwhile.
                running.process.signal(9).catch(() => undefined)
                endStream(response, new ConnectFailure('deadline_exceeded', 'context deadline exceeded'))
              }, timeoutMs)
        const keepAlive = setInterval(() => write?.({ event: { keepalive: {} } }), keepAliveMs)
        write = (message) => response.writableEnded || writeMessage(response, message)
        finish = (how) => {
          if (!how) return void response.socket?.destroy()
          write?.({ event: { end: how } })
          endStream(response)
        }
        write({ event: { start: { pid: running.pid } } })
        for (const message of early) write(message)
        const over = ended ?? running.ended
        if (over) finish(over.how)
      },
    }),
  }
}

const start: Procedure = async (call) => {
  const { sandbox, user, message } = call
  const { process, pty, stdin, tag } = message
  const { cmd, args, envs, cwd } = fieldsOf(process)
  const words = Array.isArray(args) ? args.map(String) : []
  const config = { cmd: textOf(cmd) ?? '', args: words, envs: textsOf(envs), cwd: textOf(cwd) }
  const size = pty === undefined ? undefined : sizeOf(pty)
  const { subscriber, answer } = eventsOf(call)
  const options = { config, user, stdin: stdin !== false, size, tag: textOf(tag) }
  return answer(await sandbox.processes.start(options, subscriber))
}

const connect: Procedure = async (call) => {
  const running = selected(call)
  const { subscriber, answer } = eventsOf(call)
  running.subscribers.add(subscriber)
  return answer(running)
}

const sendInput: Procedure = async (call) => {
  const running = alive(call)
  const input = fieldsOf(call.message.input)
  const bytes = textOf(running.isTerminal ? input.pty : input.stdin)
  if (bytes === undefined) throw new ConnectFailure('invalid_argument', 'the input is of another kind than the process')
  await running.process.write(Buffer.from(bytes, 'base64')).catch((error: Error) => {
    throw new ConnectFailure('internal', error.message)
  })
  return ok()
}

const SIGNALS: Readonly<Record<string, number>> = { SIGNAL_SIGKILL: 9, SIGNAL_SIGTERM: 15 }

export const PROCESS_PROCEDURES: Readonly<Record<string, { readonly streams: boolean; readonly run: Procedure }>> = {
  Start: { streams: true, run: start },
  Connect: { streams: true, run: connect },
  List: {
    streams: false,
    run: async ({ sandbox }) => ok({ processes: sandbox.processes.list().map(({ config, pid, tag }) => ({ config, pid, tag })) }),
  },
  SendInput: { streams: false, run: sendInput },
  CloseStdin: {
    streams: false,
    run: async (call) => {
      await alive(call).process.close()
      return ok()
    },
  },
  SendSignal: {
    streams: false,
    run: async (call) => {
      const signal = SIGNALS[textOf(call.message.signal) ?? '']
      if (signal === undefined) throw new ConnectFailure('unimplemented', `invalid signal: ${String(call.message.signal)}`)
      await alive(call).process.signal(signal)
      return ok()
    },
  },
  Update: {
    streams: false,
    run: async (call) => {
      await alive(call).process.resize(sizeOf(call.message.pty))
      return ok()
    },
  },
}
