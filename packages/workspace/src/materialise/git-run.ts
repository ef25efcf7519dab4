import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { RingfenceError, throwIfAborted } from '@ringfence/core'

export interface GitOptions {
  readonly cwd?: string | undefined
  readonly gitDir?: string | undefined
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Reaches the network with the configuration of the user: credential helpers, proxies. Default false. */
  readonly network?: boolean | undefined
  readonly stdin?: string | Uint8Array | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Nothing that a repository configures is ever run: no hook, no file-system monitor, no filter, no transport. The owner of
 * a repository does not matter then.
 */
const SAFE = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.attributesFile=/dev/null',
  'safe.directory=*',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'protocol.ext.allow=never',
]

const MAX_STDERR = 4096

function environment({ env, network = false }: GitOptions): Record<string, string | undefined> {
  const base = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')))
  return {
    ...base,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    // No transport has this name: a partial clone is never completed behind our back by what its repository configures.
    GIT_ALLOW_PROTOCOL: network ? 'https:http:ssh:git:file' : 'none',
    ...env,
  }
}

/** Credentials of a URL are for nobody's eyes. */
export function withoutCredentials(text: string): string {
  return text.replace(/(\/\/)[^/@\s'"]*@/g, '$1')
}

export function gitFailed(message: string, hint: string, cause?: unknown): RingfenceError {
  return new RingfenceError('git.failed', withoutCredentials(message), { operation: 'materialise.git', hint, effect: 'none', cause })
}

export interface GitProcess {
  readonly child: ChildProcessWithoutNullStreams
  /** Settles when it has ended: rejects for another code than 0, or with the reason of the signal. */
  readonly ended: Promise<void>
  kill(): void
}

/** Starts git. It has no terminal, so that nothing can ask there. */
export function startGit(args: readonly string[], options: GitOptions): GitProcess {
  const { cwd, gitDir, stdin, signal } = options
  throwIfAborted(signal)
  const given = [...SAFE.flatMap((setting) => ['-c', setting]), ...(gitDir === undefined ? [] : [`--git-dir=${gitDir}`]), ...args]
  const child = spawn('git', given, { cwd, env: environment(options), stdio: 'pipe', detached: true })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-MAX_STDERR)
  })
  // It may end before it has read everything; what that means, says its code.
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  const kill = (): void => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended between the look and the signal.
    }
  }
  signal?.addEventListener('abort', kill, { once: true })
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(gitFailed('git could not be started on the machine of the harness', 'Install git there.', error)))
    child.once('close', (code) => {
      if (signal?.aborted) reject(signal.reason)
      else if (code === 0) resolve()
      else
        reject(
          gitFailed(`"git ${args[0]}" failed: ${stderr.trim() || `it ended with "${code}"`}`, 'Read what git said; try the same by hand.'),
        )
    })
  }).finally(() => signal?.removeEventListener('abort', kill))
  // Whoever reads the output learns of the failure by `ended`, maybe later.
  ended.catch(() => undefined)
  return { child, ended, kill }
}

/** Runs git to its end and gives what it printed. Throws `git.failed`, or the reason of the signal. */
export async function git(args: readonly string[], options: GitOptions): Promise<Buffer> {
  const { child, ended, kill } = startGit(args, options)
  const output: Buffer[] = []
  try {
    for await (const chunk of child.stdout) output.push(chunk)
    await ended
  } finally {
    kill()
  }
  return Buffer.concat(output)
}
