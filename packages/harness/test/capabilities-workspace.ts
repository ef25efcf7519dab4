import { type ChildProcess, spawn as spawnChild } from 'node:child_process'
import { constants, createReadStream } from 'node:fs'
import { lstat, mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  type Command,
  type CommandExit,
  type CommandLine,
  type ExecOptions,
  type ExecResult,
  type FileStat,
  normalizePath,
  type OutputChunk,
  RingfenceError,
  type SpawnOptions,
  throwIfAborted,
  type WorkspaceHandle,
} from '@ringfence/core'

/** A workspace in a temporary folder of this machine: real processes, real files, no isolation. For tests alone. */
export interface LocalWorkspace extends WorkspaceHandle {
  /** Resolves when a reader of the command has taken a chunk and come back for more, once all chunks so far hold the text. */
  taken(opId: string, text: string): Promise<void>
  /** Paths that were written or removed. */
  readonly mutations: string[]
  /** A failure for the next write or removal of a path. */
  failOn(path: string, error: unknown): void
  /** Ends all processes and removes the folder. */
  dispose(): Promise<void>
}

interface Operation {
  readonly child: ChildProcess
  readonly chunks: OutputChunk[]
  readonly exit: Promise<CommandExit>
  readonly isPty: boolean
  readonly hasStdin: boolean
  isOver: boolean
  takenText: string
  wake: Set<() => void>
}

const lost = (opId: string): RingfenceError => new RingfenceError('exec.lost', `There is no operation "${opId}"`, { effect: 'unknown' })

function fsError(error: unknown, path: string): RingfenceError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const table = {
    ENOENT: 'fs.not-found',
    EISDIR: 'fs.is-directory',
    ENOTDIR: 'fs.not-directory',
    ENOTEMPTY: 'fs.not-empty',
    EACCES: 'fs.denied',
  } as const
  const known = Object.entries(table).find(([name]) => name === code)?.[1]
  return new RingfenceError(known ?? 'fs.failed', `"${path}": ${String(code ?? error)}`, { cause: error })
}

export async function createLocalWorkspace({ hasPty = true } = {}): Promise<LocalWorkspace> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'capabilities-')))
  const operations = new Map<string, Operation>()
  const failures = new Map<string, unknown>()
  const mutations: string[] = []
  const watchers = new Set<() => void>()
  let counter = 0

  /** The real path, which lies within; links are followed as far as the path exists. */
  const within = async (path: string): Promise<string> => {
    const absolute = join(root, normalizePath(path))
    for (let existing = absolute; ; existing = dirname(existing)) {
      const real = await realpath(existing).catch(() => undefined)
      if (real === undefined) continue
      if (real !== root && !real.startsWith(`${root}/`))
        throw new RingfenceError('path.escapes-workspace', `The path "${path}" leads out of the workspace`, { effect: 'none' })
      return absolute
    }
  }
  const files = async <T>(path: string, body: (absolute: string) => Promise<T>): Promise<T> => {
    const absolute = await within(path)
    try {
      return await body(absolute)
    } catch (error) {
      throw error instanceof RingfenceError ? error : fsError(error, path)
    }
  }
  const mutate = (path: string): void => {
    mutations.push(path)
    if (!failures.has(path)) return
    const error = failures.get(path)
    failures.delete(path)
    throw error
  }

  const begin = async (command: CommandLine, options: SpawnOptions, opId: string): Promise<Operation> => {
    throwIfAborted(options.signal)
    const cwd = await within(options.cwd ?? '.')
    const argv = typeof command === 'string' ? ['sh', '-c', command] : [...command]
    const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
    const [program = '', ...args] = options.pty ? ['script', '-qefc', `exec ${quoted}`, '/dev/null'] : argv
    const hasStdin = options.stdin === 'open' || options.pty !== undefined
    const child = spawnChild(program, args, {
      cwd,
      env: { PATH: process.env.PATH, HOME: root, TERM: 'dumb', SHELL: '/bin/sh', ...options.env },
      detached: true,
      stdio: [hasStdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    })
    const exit = new Promise<CommandExit>((resolve) => {
      child.on('exit', (exitCode, signal) => resolve({ exitCode, signal, timedOut: false, outputCut: false }))
    })
    const operation: Operation = {
      child,
      chunks: [],
      exit,
      isPty: options.pty !== undefined,
      hasStdin,
      isOver: false,
      takenText: '',
      wake: new Set(),
    }
    const wakeAll = (): void => {
      for (const wake of [...operation.wake]) wake()
    }
    const onData = (fd: 1 | 2) => (bytes: Buffer) => {
      operation.chunks.push({ fd, bytes })
      wakeAll()
    }
    child.stdout?.on('data', onData(1))
    child.stderr?.on('data', onData(2))
    child.stdin?.on('error', () => undefined)
    child.on('close', () => {
      operation.isOver = true
      wakeAll()
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', () => resolve())
      child.once('error', (cause) =>
        reject(new RingfenceError('exec.spawn-failed', `"${program}" could not be started`, { effect: 'none', cause })),
      )
    })
    options.signal?.addEventListener('abort', () => signalGroup(operation, 'SIGKILL'), { once: true })
    operations.set(opId, operation)
    return operation
  }

  const handleOf = (operation: Operation, opId: string): Command => {
    let isDetached = false
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        const wake = (): void => {
          operation.wake.delete(wake)
          resolve()
        }
        operation.wake.add(wake)
      })
    const output = (async function* (): AsyncGenerator<OutputChunk> {
      for (let at = 0; !isDetached; ) {
        const chunk = operation.chunks[at]
        if (chunk) {
          at++
          yield chunk
          operation.takenText += Buffer.from(chunk.bytes).toString('utf8')
          for (const check of [...watchers]) check()
        } else if (operation.isOver) return
        else await next()
      }
    })()
    const { child } = operation
    return {
      opId,
      output,
      exit: operation.exit,
      stdin: operation.hasStdin
        ? {
            write: (data) =>
              new Promise((resolve, reject) => {
                child.stdin?.write(data, (cause) =>
                  cause ? reject(new RingfenceError('exec.invalid-stdin', 'It reads no more', { effect: 'none', cause })) : resolve(),
                )
              }),
            end: () => new Promise((resolve) => child.stdin?.end(() => resolve())),
          }
        : undefined,
      kill: async (signal = 'SIGTERM') => signalGroup(operation, signal),
      resize: operation.isPty
        ? () => Promise.reject(new RingfenceError('feature.unsupported', 'This terminal has one size', { effect: 'none' }))
        : undefined,
      detach: async () => {
        isDetached = true
        for (const wake of [...operation.wake]) wake()
      },
    }
  }

  const spawn = async (command: CommandLine, options: SpawnOptions = {}): Promise<Command> => {
    const opId = options.opId ?? `test/${counter++}`
    return handleOf(operations.get(opId) ?? (await begin(command, options, opId)), opId)
  }

  return {
    root,
    provider: 'local-test',
    hasPty,
    mutations,
    spawn,
    failOn: (path, error) => void failures.set(path, error),
    async attach(opId) {
      const operation = operations.get(opId)
      if (!operation) throw lost(opId)
      return handleOf(operation, opId)
    },
    async exec(command, { stdin: _, ...options }: ExecOptions = {}): Promise<ExecResult> {
      const running = await spawn(command, options)
      const text = { 1: '', 2: '' }
      for await (const { fd, bytes } of running.output) text[fd] += Buffer.from(bytes).toString('utf8')
      return { opId: running.opId, stdout: text[1], stderr: text[2], truncated: false, durationMs: 0, ...(await running.exit) }
    },
    async taken(opId, text) {
      await new Promise<void>((resolve) => {
        const check = (): void => {
          if (!operations.get(opId)?.takenText.includes(text)) return
          watchers.delete(check)
          resolve()
        }
        watchers.add(check)
        check()
      })
    },
    readFile: (path, { maxBytes = 64 * 1024 * 1024 } = {}) =>
      files(path, async (absolute) => {
        const info = await stat(absolute)
        if (info.size > maxBytes) throw new RingfenceError('fs.failed', `"${path}" has more than ${maxBytes} bytes`, { effect: 'none' })
        return readFile(absolute)
      }),
    readText: (path) => files(path, (absolute) => readFile(absolute, 'utf8')),
    async *readStream(path) {
      const absolute = await within(path)
      try {
        for await (const chunk of createReadStream(absolute, { highWaterMark: 1024 })) yield chunk
      } catch (error) {
        throw fsError(error, path)
      }
    },
    writeFile: (path, data, { mode = 0o644 } = {}) =>
      files(path, async (absolute) => {
        mutate(path)
        const old = await stat(absolute).catch(() => undefined)
        if (old?.isDirectory()) throw new RingfenceError('fs.is-directory', `"${path}" is a directory`, { effect: 'none' })
        await mkdir(dirname(absolute), { recursive: true })
        const temporary = `${absolute}.${counter++}.tmp`
        const handle = await open(temporary, constants.O_CREAT | constants.O_WRONLY, mode)
        await handle.chmod(old ? old.mode & 0o777 : mode)
        await writeFile(handle, data)
        await handle.close()
        await rename(temporary, absolute)
      }),
    list: (path) =>
      files(path, async (absolute) => {
        const names = await readdir(absolute)
        return Promise.all(names.map(async (name) => ({ name, ...statOf(await lstat(join(absolute, name))) })))
      }),
    stat: (path) =>
      files(path, async (absolute) => {
        try {
          return statOf(await lstat(absolute))
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
          throw error
        }
      }),
    remove: (path, { recursive = false, force = false } = {}) =>
      files(path, async (absolute) => {
        mutate(path)
        await rm(absolute, { recursive, force })
      }),
    mkdir: (path) => files(path, async (absolute) => void (await mkdir(absolute, { recursive: true }))),
    rename: (from, to) => files(from, async (absolute) => rename(absolute, await within(to))),
    async dispose() {
      for (const operation of operations.values()) signalGroup(operation, 'SIGKILL')
      await Promise.all([...operations.values()].map(({ exit }) => exit))
      await rm(root, { recursive: true, force: true })
    },
  }
}

function signalGroup(operation: Operation, signal: NodeJS.Signals): void {
  const { pid } = operation.child
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // The group has ended.
  }
}

function statOf(info: Awaited<ReturnType<typeof lstat>>): FileStat {
  const type = info.isFile() ? 'file' : info.isDirectory() ? 'directory' : info.isSymbolicLink() ? 'symlink' : 'other'
  return { type, size: info.isFile() ? Number(info.size) : 0, mode: Number(info.mode) & 0o777, modifiedAt: Number(info.mtimeMs) }
}
