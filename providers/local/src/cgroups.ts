import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import type { LimitName, Limits } from '@ringfence/core'
import { type CgroupHost, type Controller, cgroupHost } from './cgroup-host.ts'
import { errors } from './errors.ts'

/** What the sandbox needs for itself: the two processes of bubblewrap and the loop. They are not counted as the user's. */
const OWN_PROCESSES = 3
/** Without a limit of the policy a sandbox still does not take its host down. */
const DEFAULT_PROCESSES = 1024

/** The groups of one sandbox, and the limits that they hold. */
export interface Cgroups {
  readonly directories: readonly string[]
  readonly limits: readonly LimitName[]
}

/** The number of tasks that a sandbox may have, its own included. */
export function taskLimit(limits: Limits): number {
  return (limits.processes === undefined ? DEFAULT_PROCESSES : Math.floor(limits.processes)) + OWN_PROCESSES
}

/** The directories of the groups that a sandbox gets: one for each controller, or one for all of them on version 2. */
export function plannedCgroups(name: string, limits: Limits): readonly string[] {
  return [...new Set(wanted(limits).map(([, parent]) => join(parent, `ringfence-${name}`)))]
}

/**
 * Makes the control groups of a sandbox and sets its limits.
 *
 * @throws `feature.unsupported` when one that is asked for cannot be set; nothing is left then.
 */
export function makeCgroups(name: string, limits: Limits): Cgroups {
  const host = cgroupHost()
  const directories = plannedCgroups(name, limits)
  if (!host) return { directories, limits: [] }
  try {
    for (const directory of directories) mkdirSync(directory)
    for (const [controller, parent] of wanted(limits)) setLimit(host, controller, join(parent, `ringfence-${name}`), limits)
  } catch (cause) {
    removeCgroups(directories)
    const asked = host.limits.find((limit) => limits[limit] !== undefined)
    if (asked === undefined) return { directories: [], limits: [] }
    throw errors.unsupported(
      'sandbox.create',
      `limits.${asked}`,
      `The control group could not be made (${cause instanceof Error ? cause.message : String(cause)}). Have one delegated, or leave it out.`,
    )
  }
  return { directories, limits: host.limits }
}

/** A share of the processor is divided only where it is asked for; memory and processes always have a limit. */
function wanted(limits: Limits): (readonly [Controller, string])[] {
  return [...(cgroupHost()?.parents ?? [])].filter(([controller]) => controller !== 'cpu' || limits.cpus !== undefined)
}

function setLimit({ version }: CgroupHost, controller: Controller, directory: string, limits: Limits): void {
  const put = (file: string, value: string): void => writeFileSync(join(directory, file), value)
  switch (controller) {
    case 'memory': {
      const bytes = String(Math.floor(limits.memoryBytes ?? totalmem() / 2))
      put(version === 1 ? 'memory.limit_in_bytes' : 'memory.max', bytes)
      const swap = version === 1 ? 'memory.memsw.limit_in_bytes' : 'memory.swap.max'
      if (existsSync(join(directory, swap))) put(swap, version === 1 ? bytes : '0')
      return
    }
    case 'pids':
      put('pids.max', String(taskLimit(limits)))
      return
    case 'cpu': {
      const quota = String(Math.max(1000, Math.floor((limits.cpus ?? 1) * 100_000)))
      if (version === 2) put('cpu.max', `${quota} 100000`)
      else {
        put('cpu.cfs_period_us', '100000')
        put('cpu.cfs_quota_us', quota)
      }
      return
    }
    case 'freezer':
      return
  }
}

/** Removes groups. Those that still have processes stay. */
export function removeCgroups(directories: readonly string[]): void {
  for (const directory of directories) {
    try {
      rmdirSync(directory)
    } catch {
      // Gone already, or something in it hangs in the kernel.
    }
  }
}

/** The process ids in a group. */
export function tasksOf(directory: string): number[] {
  try {
    return readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number)
  } catch {
    // A group that is gone has none.
    return []
  }
}
