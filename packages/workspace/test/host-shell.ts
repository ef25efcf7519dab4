import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmod, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CreateRequest, RingfenceError, systemRuntime } from '@ringfence/core'
import { openExec } from '../src/exec/index.ts'
import type { SandboxShell, ScriptOptions } from '../src/shell/sandbox-shell.ts'
import { type Script, standalone } from '../src/shell/script.ts'
import { hostProvider } from './host-provider.ts'

/** Which programs a script finds: those of this machine, or busybox alone; in a process of its own, or through the engine's channel. */
export type Dialect = 'host' | 'busybox' | 'engine' | 'engine-busybox' | 'engine-bash'

export interface HostShell {
  readonly shell: SandboxShell
  /** A temporary folder that plays the sandbox; the workspace is a folder in it. */
  readonly base: string
  readonly root: string
  /** Scripts that ran. */
  readonly calls: () => number
  /** As if another driver took over. */
  takeOver(): void
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

const USUAL = '/usr/sbin:/usr/bin:/sbin:/bin'

/** A folder in which `sh` is bash. */
function bashFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rf-bash-'))
  symlinkSync('/bin/bash', join(folder, 'sh'))
  return folder
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
      // A piece need not hold for long.
      await Promise.race([new Promise((resolve) => input.write(chunk, resolve)), closed])
    }
  input.end()
}

/** The same through the engine's own shell. */
async function engineShell(dialect: Dialect): Promise<HostShell> {
  const folder = dialect === 'engine-busybox' ? busyboxPath() : dialect === 'engine-bash' ? bashFolder() : undefined
  const path = folder === undefined ? USUAL : dialect === 'engine-bash' ? `${folder}:${USUAL}` : folder
  const provider = hostProvider({ path })
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
    takeOver() {
      for (const { path, generation, token } of exec.control.entries) {
        writeFileSync(join(path, 'state'), `9 ${generation} ${token} -\n`)
        rmSync(join(path, `at.1.${generation}.${token}`))
      }
    },
    async dispose() {
      await exec.close()
      await sandbox.destroy()
      if (folder !== undefined) await rm(folder, { recursive: true })
    },
  }
}

/** Makes a shell on this machine, for tests of what runs through one. `uid`: whom the scripts run as. */
export async function hostShell({ dialect = 'host', uid }: { dialect?: Dialect; uid?: number } = {}): Promise<HostShell> {
  if (isEngine(dialect)) return engineShell(dialect)
  const base = mkdtempSync(join(tmpdir(), 'rf-shell-'))
  const root = join(base, 'ws')
  const applets = dialect === 'busybox' ? busyboxPath() : undefined
  execFileSync('mkdir', [root])
  // The engine sets this variable.
  const mark = join(base, 'control', 'mark')
  mkdirSync(join(base, 'control'), { mode: 0o755 })
  writeFileSync(mark, '')
  if (uid !== undefined) execFileSync('chown', ['-R', `${uid}:${uid}`, base])
  let calls = 0

  function start(script: Script, args: readonly string[], { signal }: ScriptOptions) {
    calls++
    const [program, prefix] = dialect === 'host' ? ['/bin/sh', []] : ['/bin/busybox', ['sh']]
    const child = spawn(program, [...prefix, '-c', standalone(script), 'sh', ...args], {
      cwd: root,
      env: { PATH: applets ?? USUAL, rf_at: mark },
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

  async function* stream(script: Script, args: readonly string[], options: ScriptOptions = {}): AsyncGenerator<Uint8Array> {
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
    takeOver: () => rmSync(mark),
    async dispose() {
      await chmod(root, 0o755).catch(() => undefined)
      await rm(base, { recursive: true, force: true })
      if (applets !== undefined) await rm(applets, { recursive: true })
    },
  }
}
