import { type ChildProcess, spawn as spawnChild } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import {
  type ExitStatus,
  type OutputChunk,
  type Process,
  type Profile,
  type Provider,
  RingfenceError,
  type Sandbox,
  type SpawnRequest,
  type Wire,
} from '@ringfence/core'

/** How a test wants its machine to look. */
export interface HostOptions {
  /** What differs from a live wire of bytes with stdin and a group kill. */
  readonly wire?: Partial<Wire> | undefined
  /** The PATH inside. Default: the usual folders. */
  readonly path?: string | undefined
  /** Further variables of every process. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Leaves `info.controlDirectory` out. Default `false`. */
  readonly withoutControlDirectory?: boolean | undefined
  /** Changes the argv of each spawn. */
  readonly wrap?: ((argv: readonly string[]) => readonly string[]) | undefined
  /** Called with the argv of each spawn. */
  readonly onSpawn?: ((argv: readonly string[], child: ChildProcess) => void) | undefined
}

const WIRE: Wire = {
  output: 'bytes',
  delivery: 'live',
  stdin: 'live',
  kill: 'group',
  user: true,
  start: 'once',
  maxArgvBytes: 1 << 20,
  pids: 'shared',
  openChannel: 'free',
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A provider for tests: processes of this machine in a folder of their own, without any isolation. */
export function hostProvider(options: HostOptions = {}): Provider {
  const profile: Profile = {
    name: 'host',
    facets: { lifetime: 'never', pty: 'never', snapshot: 'never', suspend: 'never' },
    wire: { ...WIRE, ...options.wire },
    isolation: 'none',
    egress: { tier: 'none', enforcedBy: 'nothing', open: 'everything of the host' },
    limits: [],
    user: 'root',
    find: 'none',
    maxLifetimeMs: null,
    persistence: 'files',
    coldStart: { ms: 1, source: 'a mkdtemp', date: '2026-01-01' },
  }
  return {
    specificationVersion: 'provider-v1',
    profile,
    resolve: () => profile,
    create: async () => {
      const root = mkdtempSync(join(tmpdir(), 'ringfence-host-'))
      chmodSync(root, 0o755)
      mkdirSync(join(root, 'workspace'))
      mkdirSync(join(root, 'control'), { mode: 0o700 })
      return hostSandbox(root, profile, options)
    },
    resume: async (state) => {
      const root = String(state.data.root)
      if (!existsSync(root))
        throw new RingfenceError('sandbox.gone', `The folder "${root}" is not there`, { provider: 'host', effect: 'none' })
      return hostSandbox(root, profile, options)
    },
  }
}

function hostSandbox(root: string, profile: Profile, options: HostOptions): Sandbox {
  let closed = false
  const live = new Set<Process>()
  const spawn = async (argv: readonly string[], request: SpawnRequest = {}): Promise<Process> => {
    if (closed) throw new RingfenceError('sandbox.closed', 'The sandbox is closed', { provider: 'host', effect: 'none' })
    request.signal?.throwIfAborted()
    if (!existsSync(root))
      throw new RingfenceError('sandbox.gone', `The folder "${root}" is not there`, { provider: 'host', effect: 'none' })
    const ids = request.user === undefined ? {} : userIds(request.user)
    const [program = '', ...words] = options.wrap?.(argv) ?? argv
    const child = spawnChild(program, words, {
      ...ids,
      cwd: '/',
      detached: true,
      stdio: [request.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: { PATH: options.path ?? PATH, HOME: root, ...options.env, HOST_SANDBOX: root },
    })
    try {
      await once(child, 'spawn')
    } catch (cause) {
      throw new RingfenceError('exec.spawn-failed', `"${argv[0]}" could not be started`, { provider: 'host', effect: 'none', cause })
    }
    if (request.signal?.aborted) {
      child.kill('SIGKILL')
      throw request.signal.reason
    }
    options.onSpawn?.(argv, child)
    const started = hostProcess(child, profile.wire, request)
    live.add(started)
    started.exit.catch(() => undefined).finally(() => live.delete(started))
    return started
  }
  const release = async (): Promise<void> => {
    closed = true
    await Promise.all([...live].map((one) => one.detach()))
  }
  return {
    state: { provider: 'host', id: root, data: { root } },
    info: {
      id: root,
      workspace: join(root, 'workspace'),
      ...(options.withoutControlDirectory ? {} : { controlDirectory: join(root, 'control') }),
    },
    profile,
    spawn,
    release,
    destroy: async () => {
      await release()
      while (endProcesses(root)) await new Promise((resolve) => setTimeout(resolve, 5))
      rmSync(root, { recursive: true, force: true })
    },
  }
}

function hostProcess(child: ChildProcess, wire: Wire, request: SpawnRequest): Process {
  const { stdout, stderr, stdin } = child
  if (!stdout || !stderr) throw new TypeError('no pipes')
  let cut: unknown
  const cutOff = (reason: unknown): void => {
    cut ??= reason
    stdout.destroy()
    stderr.destroy()
    stdin?.destroy()
  }
  const onAbort = (): void => cutOff(request.signal?.reason)
  request.signal?.addEventListener('abort', onAbort, { once: true })
  const exit = new Promise<ExitStatus>((resolve, reject) => {
    child.once('close', (code, signal) => {
      request.signal?.removeEventListener('abort', onAbort)
      if (cut !== undefined) reject(cut)
      else resolve(signal ? { code: null, signal } : { code: code ?? 0, signal: null })
    })
    for (const stream of [stdout, stderr]) stream.once('close', () => cut !== undefined && reject(cut))
  })
  exit.catch(() => undefined)
  stdin?.on('error', () => undefined)
  const output = pull(stdout, stderr, wire, () => cut)
  return {
    output,
    exit,
    detach: async () => cutOff(new RingfenceError('sandbox.closed', 'The process was detached', { provider: 'host' })),
    ...(stdin && request.stdin
      ? {
          stdin: {
            write: (bytes) =>
              new Promise<void>((resolve, reject) => {
                const done = (error: unknown): void => {
                  if (!error) resolve()
                  else reject(new RingfenceError('exec.invalid-stdin', 'The process reads no more', { provider: 'host', cause: error }))
                }
                if (stdin.destroyed || stdin.writableEnded) done(new TypeError('closed'))
                else stdin.write(bytes, done)
              }),
            end: async () => void stdin.end(),
          },
        }
      : {}),
    ...(wire.kill === 'none'
      ? {}
      : {
          kill: async (signal) => {
            if (child.exitCode === null && child.signalCode === null && child.pid)
              process.kill(wire.kill === 'group' ? -child.pid : child.pid, signal)
          },
        }),
  }
}

async function* pull(stdout: Readable, stderr: Readable, wire: Wire, cut: () => unknown): AsyncGenerator<OutputChunk> {
  const queue: OutputChunk[] = []
  const hold = wire.delivery === 'at-exit'
  let open = 2
  let wake = (): void => undefined
  for (const [fd, stream] of [[1, stdout] as const, [2, stderr] as const]) {
    stream.on('data', (bytes: Buffer) => {
      queue.push({ fd: wire.output === 'merged' ? 1 : fd, bytes })
      if (!hold) stream.pause()
      wake()
    })
    stream.once('close', () => {
      open--
      wake()
    })
    if (stream.destroyed) open--
  }
  for (;;) {
    const chunk = hold && open > 0 ? undefined : queue.shift()
    if (chunk) yield chunk
    else if (open === 0) break
    else {
      stdout.resume()
      stderr.resume()
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  if (cut() !== undefined && !(cut() instanceof RingfenceError)) throw cut()
}

function userIds(user: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${user}:`))
    ?.split(':')
  if (!line) throw new RingfenceError('exec.spawn-failed', `There is no user "${user}"`, { provider: 'host', effect: 'none' })
  return { uid: Number(line[2]), gid: Number(line[3]) }
}

/** Kills what carries the mark of a sandbox or works in its folder; tells whether there was something. */
function endProcesses(root: string): boolean {
  let found = false
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      const ours = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOST_SANDBOX=${root}`)
      if (!ours && !readlinkSync(`/proc/${pid}/cwd`).startsWith(root)) continue
      process.kill(Number(pid), 'SIGKILL')
      found = true
    } catch {
      // It ended in between.
    }
  }
  return found
}
