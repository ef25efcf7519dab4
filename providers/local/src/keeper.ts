import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { LimitName } from '@ringfence/core'
import { INSIDE } from './bubblewrap.ts'
import { taskLimit } from './cgroups.ts'
import { leakedDescriptors } from './descriptors.ts'
import { startFailure } from './errors.ts'
import { hostUserOf, type Layout } from './layout.ts'
import type { Intent } from './records.ts'
import { hasOwnUser } from './state-root.ts'

export interface KeeperStart {
  readonly layout: Layout
  readonly runtime: string
  /** The path of `bwrap`; empty without isolation. */
  readonly bubblewrap: string
  readonly holder: string
  /** How many sets of FIFOs are made at once for the first processes. */
  readonly sets: number
  readonly intent: Intent
  /** The limits that control groups hold already. */
  readonly counted: readonly LimitName[]
}

/**
 * Nothing of the harness's environment goes on: the keeper's can be read inside, as that of process 1. Without a language the
 * programs that it runs start faster.
 */
export const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
/** What a start may say before it is cut. */
const MAX_TEXT = 8192

/**
 * Starts the keeper and waits until the loop inside answers. The keeper is no part of this process: it has a session of
 * its own, and goes on when this process is killed. It is in no control group of the sandbox, and so never frozen with it.
 *
 * @throws `sandbox.start-failed`, `sandbox.unavailable`.
 */
export async function startKeeper(start: KeeperStart): Promise<void> {
  const { layout, intent, runtime, holder, sets } = start
  const leaked = leakedDescriptors()
  const nothing = leaked.length === 0 ? undefined : openSync('/dev/null', 'r')
  const child = spawn(
    '/bin/sh',
    [join(runtime, 'keeper'), layout.directory, intent.isolation, `requests/${holder}`, String(sets), ...commandOf(start, leaked)],
    { cwd: '/', detached: true, env: ENVIRONMENT, stdio: stdioOf(leaked, nothing) },
  )
  if (nothing !== undefined) closeSync(nothing)
  await answerOf(child)
}

/** Covers inherited descriptors with one of /dev/null, which bubblewrap then reads to its end and closes. */
function stdioOf(leaked: readonly number[], nothing: number | undefined): ('ignore' | 'pipe' | number)[] {
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe']
  if (nothing === undefined) return stdio
  for (let fd = 3; fd <= Math.max(...leaked); fd++) stdio[fd] = leaked.includes(fd) ? nothing : 'ignore'
  return stdio
}

function commandOf({ layout, runtime, bubblewrap, intent, counted }: KeeperStart, leaked: readonly number[]): string[] {
  const { limits } = intent
  const one = (value: number | undefined): string => (value === undefined ? '-' : String(value))
  const processes = intent.isolation === 'none' || counted.includes('processes') ? undefined : taskLimit(limits)
  const bounds = [
    one(processes),
    one(limits.fileBytes === undefined ? undefined : Math.floor(limits.fileBytes / 512)),
    one(limits.cpuSeconds === undefined ? undefined : Math.max(1, Math.floor(limits.cpuSeconds))),
  ]
  if (intent.isolation === 'none') {
    const environment = {
      ...ENVIRONMENT,
      PATH: process.env.PATH ?? ENVIRONMENT.PATH,
      HOME: process.env.HOME ?? '/',
      RINGFENCE_SANDBOX: layout.id,
    }
    const words = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    return ['env', '-i', ...words, 'sh', join(runtime, 'loop'), runtime, layout.requests, ...bounds, layout.workspace, layout.id]
  }
  return [
    ...(hasOwnUser('process') ? asUser(hostUserOf(layout.id)) : []),
    ...[bubblewrap, ...leaked.flatMap((fd) => ['--file', String(fd), '/run/.closed'])],
    ...['--args', '3', '--seccomp', '4', '--info-fd', '5', '--'],
    ...['sh', `${INSIDE.runtime}/loop`, INSIDE.runtime, INSIDE.requests, ...bounds, INSIDE.workspace, layout.id],
  ]
}

/** The lightest program that changes the user: setpriv(1) asks the name services of the host for it. */
export function asUser(user: number): string[] {
  return ['chroot', `--userspec=+${user}:+${user}`, '--groups=', '/']
}

async function answerOf(child: ChildProcess): Promise<void> {
  let said = ''
  let answer = ''
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', (cause) => reject(startFailure(cause.message, cause)))
      child.on('close', () => reject(startFailure(said)))
      child.stderr?.on('data', (data: Buffer) => {
        said = (said + data.toString()).slice(0, MAX_TEXT)
      })
      child.stdout?.on('data', (data: Buffer) => {
        answer = (answer + data.toString()).slice(0, MAX_TEXT)
        if (answer === 'ready\n') resolve()
      })
    })
  } finally {
    // From here on it keeps nobody waiting.
    child.unref()
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
}
