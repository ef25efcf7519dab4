import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  type CreateRequest,
  type ExitStatus,
  type Process,
  type Sandbox,
  type SandboxState,
  type SpawnRequest,
  systemRuntime,
} from '@ringfence/core'
import { afterAll } from 'vitest'
import { type LocalOptions, local } from '../src/index.ts'

export type LocalSandbox = Awaited<ReturnType<ReturnType<typeof local>['create']>>

let intents = 0

export function requestOf(changes: Partial<CreateRequest> = {}): CreateRequest {
  return {
    ref: { installation: 'test', runId: `run-${process.pid}`, intentId: `intent-${++intents}` },
    isolation: 'process',
    egress: 'none',
    limits: {},
    lifetimeMs: 600_000,
    ...changes,
  }
}

export interface Room {
  readonly directory: string
  create(changes?: Partial<CreateRequest>, options?: LocalOptions): Promise<LocalSandbox>
}

/** A state directory of its own, and sandboxes that are gone after the tests of the file. */
export function testRoom(): Room {
  const directory = mkdtempSync(join(tmpdir(), 'ringfence-local-test-'))
  const made: LocalSandbox[] = []
  afterAll(async () => {
    for (const sandbox of made) await sandbox.destroy()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    directory,
    async create(changes, options) {
      const sandbox = await local({ directory, ...options }).create(requestOf(changes), systemRuntime)
      made.push(sandbox)
      return sandbox
    },
  }
}

export interface Result {
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly exit: ExitStatus
}

/** Reads a process to its end. */
export async function drain(process: Process): Promise<Result> {
  const pieces: [Buffer[], Buffer[]] = [[], []]
  for await (const { fd, bytes } of process.output) pieces[fd - 1 === 0 ? 0 : 1].push(Buffer.from(bytes))
  return { stdout: Buffer.concat(pieces[0]), stderr: Buffer.concat(pieces[1]), exit: await process.exit }
}

export async function run(sandbox: Sandbox, argv: readonly string[], request?: SpawnRequest): Promise<Result> {
  return drain(await sandbox.spawn(argv, request))
}

/** What a shell script prints, trimmed. */
export async function sh(sandbox: Sandbox, script: string): Promise<string> {
  return (await run(sandbox, ['sh', '-c', script])).stdout.toString().trim()
}

/** Reads until the output holds a text; returns what came so far. The process goes on. */
export async function readUntil(output: AsyncIterator<{ bytes: Uint8Array }>, wanted: string | RegExp): Promise<string> {
  let text = ''
  for (;;) {
    const { done, value } = await output.next()
    if (done) throw new Error(`the output ended before "${String(wanted)}": ${text}`)
    text += Buffer.from(value.bytes).toString()
    if (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)) return text
  }
}

/** Waits until something holds, as long as it takes; the timeout of the test is the bound. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemRuntime.clock.sleep(20)
}

/** The processes of this machine that have a text among their arguments. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
}

/** A process of its own that makes a sandbox, and tells its state. What it does further is in the fixture. */
export async function harness(
  { directory }: Room,
  ...words: string[]
): Promise<{ readonly child: ChildProcess; readonly state: SandboxState }> {
  const fixture = fileURLToPath(new URL('fixtures/harness.mts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=@ringfence/source', fixture, directory, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) return { child, state: JSON.parse(line) }
  throw new Error('the harness said nothing')
}

/** Kills a harness at once, and waits until it is gone. */
export async function kill(child: ChildProcess): Promise<void> {
  const over = new Promise((resolve) => child.on('exit', resolve))
  child.kill('SIGKILL')
  await over
}

/** The control groups of a sandbox. */
export function groupsOf({ directory }: Room, id: string): string[] {
  const file = join(directory, id, 'cgroups')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}
