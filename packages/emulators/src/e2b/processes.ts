import { type Isolated, IsolatedError, type IsolatedProcess, type Stream } from '../kit/isolated.ts'
import { USERS } from '../kit/root.ts'
import { ConnectFailure } from './connect.ts'

export interface ProcessConfig {
  readonly cmd: string
  readonly args: readonly string[]
  readonly envs: Readonly<Record<string, string>>
  readonly cwd: string | undefined
}

export interface StartOptions {
  readonly config: ProcessConfig
  readonly user: string
  readonly stdin: boolean
  readonly size?: readonly [number, number] | undefined
  readonly tag?: string | undefined
}

export interface Ended {
  readonly exitCode: number
  readonly exited: boolean
  readonly status: string
  readonly error?: string
}

/** Who reads a process. `data` returns false when it cannot take more for now. */
export interface Subscriber {
  data(stream: Stream, bytes: Buffer): boolean
  end(ended: Ended | undefined): void
}

export interface Running {
  readonly pid: number
  readonly config: ProcessConfig
  readonly tag: string | undefined
  readonly process: IsolatedProcess
  readonly subscribers: Set<Subscriber>
  readonly isTerminal: boolean
  ended: { readonly how: Ended | undefined } | undefined
}

export interface Processes {
  start(options: StartOptions, subscriber?: Subscriber): Promise<Running>
  /** The process, also for some time after its end. */
  get(pid: unknown): Running
  list(): readonly Running[]
  running(): readonly ProcessConfig[]
}

const KEPT_MS = 30_000
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
/** As Go says it. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'hangup',
  2: 'interrupt',
  3: 'quit',
  4: 'illegal instruction',
  6: 'aborted',
  8: 'floating point exception',
  9: 'killed',
  10: 'user defined signal 1',
  11: 'segmentation fault',
  12: 'user defined signal 2',
  13: 'broken pipe',
  14: 'alarm clock',
  15: 'terminated',
}

function endedOf(code: number): Ended {
  if (code === 0) return { exitCode: 0, exited: true, status: 'exit status 0' }
  const status = code > 0 ? `exit status ${code}` : `signal: ${SIGNALS[-code] ?? `signal ${-code}`}`
  return { exitCode: code > 0 ? code : -1, exited: code > 0, status, error: status }
}

export function processesOf(isolated: Isolated, envs: Readonly<Record<string, string>>): Processes {
  const known = new Map<number, Running>()
  return {
    async start({ config, user, stdin, size, tag }, subscriber) {
      const who = USERS[user]
      if (!who) throw new ConnectFailure('unauthenticated', `invalid username: '${user}'`)
      const cwd = config.cwd || who.home
      const env = { PATH, HOME: who.home, USER: user, LOGNAME: user, ...envs, ...config.envs }
      const subscribers = new Set<Subscriber>(subscriber ? [subscriber] : [])
      let running: Running | undefined
      const early: (() => void)[] = []
      // What comes before the caller knows the process waits for it.
      const then = (does: () => void): void => void (running ? does() : early.push(does))
      const request = { argv: ['/bin/sh', '-c', 'exec "$@"', 'sh', config.cmd, ...config.args], env, cwd, user: who.id, stdin, size }
      const process = await isolated
        .start(request, {
          data: (stream, bytes) =>
            then(() => {
              // Without a reader it is lost, as it is there.
              for (const one of subscribers) if (!one.data(stream, bytes)) process.flow(false)
            }),
          end: (code) =>
            then(() => {
              if (!running) return
              const how = code === undefined ? undefined : endedOf(code)
              running.ended = { how }
              for (const one of subscribers) one.end(how)
              const { pid } = running
              setTimeout(() => known.get(pid) === running && known.delete(pid), KEPT_MS).unref()
            }),
        })
        .catch((error: unknown) => {
          if (error instanceof IsolatedError && error.missing === cwd)
            throw new ConnectFailure('invalid_argument', `cwd '${cwd}' does not exist`)
          throw new ConnectFailure('invalid_argument', error instanceof Error ? error.message : String(error))
        })
      running = { pid: process.pid, config, tag, process, subscribers, isTerminal: size !== undefined, ended: undefined }
      known.set(process.pid, running)
      queueMicrotask(() => {
        for (const does of early) does()
      })
      return running
    },
    get(pid) {
      const running = typeof pid === 'number' ? known.get(pid) : undefined
      if (!running) throw new ConnectFailure('not_found', `process with pid ${String(pid)} not found`)
      return running
    },
    list: () => [...known.values()].filter(({ ended }) => !ended),
    running: () => [...known.values()].filter(({ ended }) => !ended).map(({ config }) => config),
  }
}
