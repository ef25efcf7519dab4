import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CreateRequest, RingfenceError, systemRuntime } from '@ringfence/core'
import { openExec } from '../src/exec/index.ts'
import type { SandboxShell, ScriptOptions } from '../src/shell/sandbox-shell.ts'
import { hostProvider } from './host-provider.ts'

/** Which programs a script finds: those of this machine, or busybox alone; in a process of its own, or through the engine's channel. */
export type Dialect = 'host' | 'busybox' | 'engine' | 'engine-busybox'

export interface HostShell {
  readonly shell: SandboxShell
  /** A temporary folder that plays the sandbox; the workspace is a folder in it. */
  readonly base: string
  readonly root: string
  /** Scripts that ran. */
  readonly calls: () => number
  dispose(): Promise<void>
}

/** Scripts that go through the engine, which knows no other user. */
export const isEngine = (dialect: Dialect): boolean => dialect.startsWith('engine')

/** A folder with the applets of busybox alone. */
function busyboxPath(): string {
  const applets = mkdtempSync(join(tmpdir(), 'rf-bb-'))
  execFileSync('/bin/busybox', ['--install', '-s', applets])
  return applets
}

async function feed(child: ChildProcess, stdin: ScriptOptions['stdin']): Promise<void> {
  const input = child.stdin
  if (!input) return
  // A script that reads no more closes its end, which is no error of this side.
  input.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => input.once('close', resolve))
  if (stdin instanceof Uint8Array) input.write(stdin)
  else if (stdin)
    for await (const chunk of stdin) {
      if (input.destroyed) break
      if (!input.write(chunk)) await Promise.race([new Promise<void>((resolve) => input.once('drain', resolve)), closed])
    }
  input.end()
}

/** Makes a shell on this machine, for tests of what runs through one. `uid`: whom the scripts run as. */
/** The same through the engine's own shell. */
async function engineShell(dialect: Dialect): Promise<HostShell> {
  const applets = dialect === 'engine-busybox' ? busyboxPath() : undefined
  const provider = hostProvider(applets === undefined ? {} : { path: applets })
  const { clock, random } = systemRuntime
  const request: CreateRequest = {
    ref: { installation: 't', runId: 't', intentId: 't' },
    lifetimeMs: 600_000,
    isolation: 'none',
    egress: 'open',
    limits: {},
  }
  const sandbox = await provider.create(request, systemRuntime)
  const exec = await openExec({ sandbox, epoch: 1, clock, random })
  let calls = 0
  const count = <T>(value: T): T => {
    calls++
    return value
  }
  return {
    shell: {
      run: (...args) => count(exec.shell.run(...args)),
      stream: (...args) => count(exec.shell.stream(...args)),
    },
    base: dirname(sandbox.info.workspace),
    root: sandbox.info.workspace,
    calls: () => calls,
    async dispose() {
      await exec.close()
      await sandbox.destroy()
      if (applets !== undefined) await rm(applets, { recursive: true })
    },
  }
}

export async function hostShell({ dialect = 'host', uid }: { dialect?: Dialect; uid?: number } = {}): Promise<HostShell> {
  if (dialect === 'engine' || dialect === 'engine-busybox') return engineShell(dialect)
  const base = mkdtempSync(join(tmpdir(), 'rf-shell-'))
  const root = join(base, 'ws')
  const applets = dialect === 'busybox' ? busyboxPath() : undefined
  execFileSync('mkdir', [root])
  if (uid !== undefined) execFileSync('chown', ['-R', `${uid}:${uid}`, base])
  let calls = 0

  function start(script: string, args: readonly string[], { signal }: ScriptOptions) {
    calls++
    const [program, prefix] = dialect === 'host' ? ['/bin/sh', []] : ['/bin/busybox', ['sh']]
    const child = spawn(program, [...prefix, '-c', script, 'sh', ...args], {
      cwd: root,
      env: { PATH: applets ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
      stdio: 'pipe',
      detached: true,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
    const kill = (): void => {
      try {
        if (child.pid) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    signal?.addEventListener('abort', kill, { once: true })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve(code ?? 137))
    }).finally(() => signal?.removeEventListener('abort', kill))
    ended.catch(() => undefined)
    return { child, kill, ended, stderr: () => stderr }
  }

  async function* stream(script: string, args: readonly string[], options: ScriptOptions = {}): AsyncGenerator<Uint8Array> {
    options.signal?.throwIfAborted()
    const { child, kill, ended, stderr } = start(script, args, options)
    const fed = feed(child, options.stdin).catch((error: unknown) => {
      kill()
      throw error
    })
    fed.catch(() => undefined)
    let bytes = 0
    try {
      for await (const chunk of child.stdout) {
        bytes += chunk.length
        if (bytes > (options.maxBytes ?? Number.POSITIVE_INFINITY)) throw new RingfenceError('archive.limit', 'too much output')
        yield chunk
      }
      const code = await ended
      options.signal?.throwIfAborted()
      await fed
      if (code !== 0) throw new RingfenceError('fs.failed', `the script ended with ${code}: ${stderr()}`, { details: { code } })
    } finally {
      kill()
      await ended
    }
  }

  const shell: SandboxShell = {
    stream,
    async run(script, args, options = {}) {
      options.signal?.throwIfAborted()
      const { child, kill, ended, stderr } = start(script, args, options)
      const fed = feed(child, options.stdin).catch((error: unknown) => {
        kill()
        throw error
      })
      fed.catch(() => undefined)
      const chunks: Buffer[] = []
      let bytes = 0
      try {
        for await (const chunk of child.stdout) {
          bytes += chunk.length
          if (bytes > (options.maxBytes ?? 64 * 1024 * 1024)) throw new RingfenceError('archive.limit', 'too much output')
          chunks.push(chunk)
        }
        const code = await ended
        options.signal?.throwIfAborted()
        await fed
        return { code, stdout: Buffer.concat(chunks), stderr: stderr() }
      } finally {
        kill()
        await ended
      }
    },
  }
  return {
    shell,
    base,
    root,
    calls: () => calls,
    async dispose() {
      await chmod(root, 0o755).catch(() => undefined)
      await rm(base, { recursive: true, force: true })
      if (applets !== undefined) await rm(applets, { recursive: true })
    },
  }
}
