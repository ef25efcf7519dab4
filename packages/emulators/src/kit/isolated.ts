import { spawn } from 'node:child_process'
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const SUPERVISOR = readFileSync(new URL('supervisor.py', import.meta.url), 'utf8')
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'].flatMap((name) => ['--cap-add', `CAP_${name}`])

export interface StartRequest {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly user: number
  readonly stdin: boolean
  /** Columns and rows of a terminal. */
  readonly size?: readonly [number, number] | undefined
}

export type Stream = 'stdout' | 'stderr' | 'pty'

export interface Listener {
  data(stream: Stream, bytes: Buffer): void
  /** `code` is negative for a signal; `undefined` when the whole root has ended. */
  end(code: number | undefined): void
}

export interface IsolatedProcess {
  readonly pid: number
  /** Resolves when the bytes are in the pipe. */
  write(bytes: Uint8Array): Promise<void>
  close(): Promise<void>
  signal(signal: number): Promise<void>
  resize(size: readonly [number, number]): Promise<void>
  /** Reads on, or lets the process wait. */
  flow(on: boolean): void
}

/** A root with processes of its own. */
export interface Isolated {
  start(request: StartRequest, listener: Listener): Promise<IsolatedProcess>
  /** Stops all processes where they stand. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Kills all processes, and waits until they are gone. */
  end(): Promise<void>
}

/** What a command could not do, in the words of the inside. `missing`: the path that is not there. */
export class IsolatedError extends Error {
  readonly missing: string | undefined
  constructor(message: string, missing?: string) {
    super(message)
    this.missing = missing
  }
}

/** Why roots cannot be isolated here; `undefined` when they can. */
export function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux'
  if (process.getuid?.() !== 0) return 'it needs root, which becomes the users of the sandboxes'
  const missing = ['/usr/bin/bwrap', '/usr/bin/python3'].find((path) => !existsSync(path))
  return missing === undefined ? undefined : `${missing} is not there: apt-get install bubblewrap python3`
}

interface Reply {
  readonly id?: number
  readonly key?: number
  readonly event?: string
  readonly error?: string
  readonly missing?: string | null
  readonly pid?: number
  readonly stream?: Stream
  readonly bytes?: string
  readonly code?: number
}

interface Waiting {
  resolve(reply: Reply): void
  reject(error: Error): void
}

/** Starts the supervisor of a root, which all of its processes share. `network`: whether they have that of this machine. */
export async function isolate(directory: string, network: boolean): Promise<Isolated> {
  const system = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].flatMap((name) => systemDirectory(`/${name}`))
  const child = spawn(
    '/usr/bin/bwrap',
    [
      ...['--die-with-parent', '--new-session', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--hostname', 'e2b.local'],
      ...(network ? [] : ['--unshare-net']),
      ...['--cap-drop', 'ALL', ...CAPABILITIES, '--clearenv', '--setenv', 'PATH', '/usr/bin:/bin'],
      ...['--bind', directory, '/', '--ro-bind', '/usr', '/usr', ...system, '--proc', '/proc', '--dev', '/dev'],
      ...['--ro-bind-try', '/etc/alternatives', '/etc/alternatives', '--ro-bind-try', '/etc/ssl/certs', '/etc/ssl/certs'],
      ...(network ? ['--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf'] : []),
      ...['--chdir', '/', '/usr/bin/python3', '-I', '-S', '-c', SUPERVISOR],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  const calls = new Map<number, Waiting>()
  const listeners = new Map<number, Listener>()
  let last = 0
  let said = ''
  child.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-4000)
  })
  child.stdin.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()))
  const ready = new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => {
      const error = new Error(`The isolated root has ended: ${said}`)
      reject(error)
      for (const { reject: fail } of calls.values()) fail(error)
      for (const listener of listeners.values()) listener.end(undefined)
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      const reply: Reply = JSON.parse(line)
      if (reply.event === 'ready') resolve()
      else if (reply.id !== undefined) {
        const call = calls.get(reply.id)
        calls.delete(reply.id)
        if (reply.error === undefined) call?.resolve(reply)
        else call?.reject(new IsolatedError(reply.error, reply.missing ?? undefined))
      } else if (reply.key !== undefined) {
        const listener = listeners.get(reply.key)
        if (reply.event === 'data' && reply.stream) listener?.data(reply.stream, Buffer.from(reply.bytes ?? '', 'base64'))
        else if (reply.event === 'end') {
          listeners.delete(reply.key)
          listener?.end(reply.code)
        }
      }
    })
  })
  const call = (command: object): Promise<Reply> =>
    new Promise((resolve, reject) => {
      if (child.exitCode !== null || child.signalCode !== null) return reject(new Error('The isolated root has ended'))
      const id = ++last
      calls.set(id, { resolve, reject })
      child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
    })
  await ready
  return {
    async start({ argv, env, cwd, user, stdin, size = undefined }, listener) {
      const key = ++last
      listeners.set(key, listener)
      const about = async (command: object): Promise<void> => {
        await call({ key, ...command })
      }
      try {
        const { pid = 0 } = await call({ do: 'start', key, argv, env, cwd, user, group: user, stdin, size: size ?? null })
        return {
          pid,
          write: (bytes) => about({ do: 'write', bytes: Buffer.from(bytes).toString('base64') }),
          close: () => about({ do: 'close' }),
          signal: (signal) => about({ do: 'signal', signal }),
          resize: (to) => about({ do: 'resize', size: to }),
          // What has ended meanwhile does not flow.
          flow: (on) => void about({ do: 'flow', on }).catch(() => undefined),
        }
      } catch (error) {
        listeners.delete(key)
        throw error
      }
    },
    async freeze() {
      await call({ do: 'freeze' })
    },
    async thaw() {
      await call({ do: 'thaw' })
    },
    async end() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** Where it is a link into `/usr`, the root has that link already. */
function systemDirectory(path: string): string[] {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ? ['--ro-bind', path, path] : []
}
