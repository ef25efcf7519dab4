import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, systemClock, systemRandom, systemRuntime } from '@ringfence/core'
import { afterAll } from 'vitest'
import { type Exec, type OpenExecOptions, openExec } from '../../src/exec/index.ts'
import { type HostOptions, hostProvider } from '../host-provider.ts'

const BUSYBOX = '/bin/busybox'
let folder: string | undefined

/** A PATH with nothing but busybox. */
function busyboxPath(): string {
  if (folder) return folder
  const made = mkdtempSync(join(tmpdir(), 'ringfence-busybox-'))
  for (const applet of execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (applet && !existsSync(join(made, applet))) symlinkSync(BUSYBOX, join(made, applet))
  }
  folder = made
  return made
}

let bashFolder: string | undefined

/** A PATH whose sh is bash, as on Fedora or Arch. */
function bashPath(): string {
  if (!bashFolder) {
    const made = mkdtempSync(join(tmpdir(), 'ringfence-bash-'))
    symlinkSync('/bin/bash', join(made, 'sh'))
    bashFolder = made
  }
  return `${bashFolder}:/usr/sbin:/usr/bin:/sbin:/bin`
}

afterAll(() => {
  for (const made of [folder, bashFolder]) if (made) rmSync(made, { recursive: true, force: true })
  folder = undefined
  bashFolder = undefined
})

/** The wires over which the same tests run. */
export const WIRES: Readonly<Record<string, () => HostOptions>> = {
  'resident dash': () => ({}),
  'resident busybox': () => ({ path: busyboxPath() }),
  'resident bash': () => ({ path: bashPath() }),
  'resident merged': () => ({ wire: { output: 'merged' } }),
  'one spawn': () => ({ wire: { stdin: 'none' } }),
  'one spawn busybox': () => ({ path: busyboxPath(), wire: { stdin: 'none' } }),
  'at exit': () => ({ wire: { stdin: 'none', delivery: 'at-exit', kill: 'none' } }),
}

export interface Fixture {
  readonly sandbox: Sandbox
  readonly exec: Exec
  /** A further id. */
  id(): string
  /** Opens the engine once more over the same sandbox. */
  again(options?: Partial<OpenExecOptions>): Promise<Exec>
  [Symbol.asyncDispose](): Promise<void>
}

let counter = 0

const CREATE = {
  ref: { installation: 'test', runId: 'run', intentId: 'intent' },
  isolation: 'none',
  egress: 'open',
  limits: {},
  lifetimeMs: 600_000,
} as const

export async function fixture(host: HostOptions = {}, options: Partial<OpenExecOptions> = {}): Promise<Fixture> {
  const sandbox = await hostProvider(host).create(CREATE, systemRuntime)
  const opened: Exec[] = []
  const again = async (more: Partial<OpenExecOptions> = {}): Promise<Exec> => {
    const exec = await openExec({ sandbox, epoch: 1, clock: systemClock, random: systemRandom, killGraceMs: 500, ...options, ...more })
    opened.push(exec)
    return exec
  }
  const dispose = async (): Promise<void> => {
    await Promise.all(opened.map((one) => one.close()))
    await sandbox.destroy()
    // Without isolation the directories of other users lie on this machine.
    for (const { path } of opened.flatMap(({ control }) => control.entries)) rmSync(path, { recursive: true, force: true })
  }
  try {
    const exec = await again()
    return { sandbox, exec, id: () => `run_1/${++counter}/0`, again, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** The text of one stream of a command, read to its end. */
export async function textOf(output: AsyncIterable<{ readonly fd: number; readonly bytes: Uint8Array }>, fd: 1 | 2 = 1): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of output) if (chunk.fd === fd) parts.push(chunk.bytes)
  return Buffer.concat(parts).toString('utf8')
}

/** How many processes of this machine have a word in their command line. */
export function processesWith(word: string): number {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(word)).length
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    // It ended in between.
    return ''
  }
}

/** Waits until something holds, without an assumption on how long it takes. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(20)
}
