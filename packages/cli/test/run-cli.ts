import { execFileSync, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../src/bin.ts', import.meta.url))

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** The objects of `--json`. */
  readonly events: readonly Record<string, unknown>[]
}

export interface CliOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Sends a signal when this text was printed. */
  readonly interruptAt?: string
  /** Default SIGINT. */
  readonly signal?: NodeJS.Signals
  /** Reads no more when this text was printed, as `head` does. */
  readonly closeAt?: string
}

function parseLines(text: string): Record<string, unknown>[] {
  return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
}

/** How the command line is started from its sources. */
export const NODE_ARGS = ['--import', import.meta.resolve('tsx'), '--conditions=@ringfence/source', BIN]

/** Runs the command line as a process of its own, with an environment that holds nothing of this one but what is given. */
export function runCli(
  args: readonly string[],
  { cwd, env, interruptAt, closeAt, signal = 'SIGINT' }: CliOptions = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [...NODE_ARGS, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let interrupted = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (interruptAt !== undefined && !interrupted && stdout.includes(interruptAt)) {
      interrupted = true
      child.kill(signal)
    }
    if (closeAt !== undefined && stdout.includes(closeAt)) child.stdout.destroy()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr, events: parseLines(stdout) }))
  })
}

/** A temporary folder, and what removes it. */
export async function temporary(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'ringfence-cli-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export function git(path: string, ...args: string[]): string {
  return execFileSync('git', ['-C', path, '-c', 'user.name=T', '-c', 'user.email=t@localhost', ...args], { encoding: 'utf8' })
}

/** A git repository with these files in one commit. */
export async function repository(path: string, files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(path, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), content)
  }
  git(path, 'init', '-q')
  git(path, 'add', '-A')
  git(path, 'commit', '-qm', 'first')
  return path
}

/** The content of every file below a folder, as one text. */
export async function everything(path: string): Promise<string> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')),
  )
  return texts.join('\n')
}
