import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RuntimeContext } from '@ringfence/core'
import { removeCgroups, tasksOf } from './cgroups.ts'
import { errnoOf } from './errors.ts'
import { hasReader, openReader } from './fifo.ts'
import { freezerOf } from './freezer.ts'
import { ID_PATTERN, type Layout, layoutOf } from './layout.ts'
import { removeTree } from './programs.ts'
import { isRunning, readFirst, readGroups, readIntent, readText } from './records.ts'
import { within } from './within.ts'

const WAIT_MS = 10
/** What does not die in this many rounds hangs in the kernel. */
const REAP_ROUNDS = 500

/** Whether the keeper of a sandbox runs, and so the sandbox is there or being removed. */
export function isKept({ life }: Layout): boolean {
  return hasReader(life)
}

/** Whether a sandbox lives: kept, and not being ended. */
export function isAlive(layout: Layout): boolean {
  return isKept(layout) && !existsSync(layout.ended)
}

/**
 * Ends a sandbox and waits until nothing is left of it. Its keeper removes it; where that was killed itself, this process
 * does. What is gone already is no error, and the next sandbox of the same intent is let be.
 */
export async function endSandbox(layout: Layout, context: RuntimeContext): Promise<void> {
  const generation = readIntent(layout)?.generation
  const isThere = (): boolean => existsSync(layout.directory) && [generation, undefined].includes(readIntent(layout)?.generation)
  markEnded(layout)
  while (isThere()) {
    if (isKept(layout)) {
      const over = lifeEnd(layout)
      killFirst(layout)
      // Again: bubblewrap may not have told its process yet, and what is paused, meanwhile too, dies when it is thawed.
      while (!(await within(over, WAIT_MS, context)) && isThere()) {
        killFirst(layout)
        freezerOf(layout)?.thaw()
      }
      await over
    } else if (keeperStarts(layout)) await context.clock.sleep(WAIT_MS)
    else await reap(layout, context)
  }
}

/** Whether a keeper runs that has not made its FIFOs yet. Looked for only where a directory has no keeper. */
function keeperStarts({ directory }: Layout): boolean {
  return readdirSync('/proc').some((name) => /^\d+$/.test(name) && argumentsOf(Number(name)).includes(directory))
}

/** Resolves when the keeper is gone. */
async function lifeEnd({ life }: Layout): Promise<true> {
  return new Promise<true>((resolve) => {
    try {
      const socket = openReader(life)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => resolve(true))
      socket.resume()
    } catch {
      // Removed between the look and the opening: then it has ended.
      resolve(true)
    }
  })
}

function markEnded({ ended }: Layout): void {
  try {
    writeFileSync(ended, '', { mode: 0o600 })
  } catch (error) {
    // Without room for the mark the sandbox is ended all the same.
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOSPC') throw error
  }
}

/**
 * Kills the first process of a sandbox, and with it, by the kernel, all of its namespace. Its number is believed only if
 * that process has the id of the sandbox among its arguments.
 */
function killFirst(layout: Layout): void {
  const pid = readFirst(layout)
  if (pid !== undefined && argumentsOf(pid).includes(layout.id)) kill(pid)
}

/** Removes what a keeper left that was killed itself, or never started. The groups go first: nothing else names them. */
async function reap(layout: Layout, context: RuntimeContext): Promise<void> {
  const groups = readGroups(layout)
  for (let round = 0; round < REAP_ROUNDS; round++) {
    killFirst(layout)
    const pids = new Set(groups.flatMap(tasksOf))
    for (const pid of pids) kill(pid)
    freezerOf(layout)?.thaw()
    if (pids.size === 0) break
    await context.clock.sleep(WAIT_MS)
  }
  removeCgroups(groups)
  await removeTree(layout.directory)
}

/**
 * Removes what is left of sandboxes whose keeper and whose maker are both dead: after a crash of the machine, or a kill
 * of the keeper. A sandbox that lives is never touched.
 */
export async function sweep(root: string, context: RuntimeContext): Promise<void> {
  for (const name of readdirSync(root)) {
    try {
      if (ID_PATTERN.test(name)) await sweepOne(layoutOf(root, name), context)
      const [, pid, started] = /^\.new-(\d+)-(\d+)-/.exec(name) ?? []
      // Made by one that died before it claimed its sandbox.
      if (pid !== undefined && started !== undefined && !isRunning({ pid: Number(pid), started })) await removeTree(join(root, name))
    } catch {
      // What cannot be removed now hinders nobody: the next process tries again.
    }
  }
}

async function sweepOne(layout: Layout, context: RuntimeContext): Promise<void> {
  const intent = readIntent(layout)
  if (isKept(layout) || (intent && isRunning(intent.creator)) || keeperStarts(layout)) return
  // A keeper that was just starting may have come to its FIFOs meanwhile.
  if (!isKept(layout)) await reap(layout, context)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

function argumentsOf(pid: number): string[] {
  return (readText(`/proc/${pid}/cmdline`) ?? '').split('\0')
}
