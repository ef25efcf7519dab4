import { accessSync, constants, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { dirname, join } from 'node:path'
import type { LimitName } from '@ringfence/core'

export type Controller = 'memory' | 'pids' | 'cpu' | 'freezer'

/** Where control groups can be made on this machine, by this process. */
export interface CgroupHost {
  /** The directory below which a group with the controller is made. On version 2 it is the same for all of them. */
  readonly parents: ReadonlyMap<Controller, string>
  readonly version: 1 | 2
  readonly limits: readonly LimitName[]
}

const LIMIT_OF: Readonly<Partial<Record<Controller, LimitName>>> = { memory: 'memoryBytes', pids: 'processes', cpu: 'cpus' }
const CONTROLLERS: readonly Controller[] = ['memory', 'pids', 'cpu', 'freezer']

let known: { readonly host: CgroupHost | undefined } | undefined

/** Looks once a process. `undefined`: no group can be made, since none is delegated or mounted writable. */
export function cgroupHost(): CgroupHost | undefined {
  known ??= { host: process.platform === 'linux' ? look() : undefined }
  return known.host
}

interface Mount {
  readonly root: string
  readonly path: string
  readonly type: string
  readonly options: readonly string[]
}

function look(): CgroupHost | undefined {
  const mounts = lines('/proc/self/mountinfo').map(parseMount)
  const own = new Map<string, string>()
  for (const line of lines('/proc/self/cgroup')) {
    const [, names = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    for (const name of names.split(',')) own.set(name, path)
  }
  const first = new Map<Controller, string>()
  for (const name of CONTROLLERS) {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(name))
    const directory = mount && within(mount, own.get(name) ?? '/')
    if (directory && writable(directory)) first.set(name, directory)
  }
  if (first.size > 0) return hostOf(1, first)
  const unified = mounts.find(({ type }) => type === 'cgroup2')
  return unified && lookUnified(unified, own.get('') ?? '/')
}

/**
 * On version 2 a group with processes of its own has no children with limits: look beside it, and as root at the top. To
 * freeze a group needs no controller there.
 */
function lookUnified(mount: Mount, path: string): CgroupHost | undefined {
  const own = within(mount, path)
  const places = [...(process.getuid?.() === 0 ? [mount.path] : []), ...(own === mount.path ? [] : [dirname(own)]), own]
    .filter((place) => writable(place) && writable(join(place, 'cgroup.procs')))
    .map((place) => ({ place, given: (lines(join(place, 'cgroup.subtree_control'))[0] ?? '').split(' ') }))
  const found = places.find(({ given }) => CONTROLLERS.some((name) => given.includes(name))) ?? places[0]
  if (!found) return undefined
  const names = CONTROLLERS.filter((name) => (name === 'freezer' ? isLinux(5, 2) : found.given.includes(name)))
  return names.length === 0 ? undefined : hostOf(2, new Map(names.map((name) => [name, found.place])))
}

function hostOf(version: 1 | 2, parents: ReadonlyMap<Controller, string>): CgroupHost {
  return { version, parents, limits: CONTROLLERS.flatMap((name) => (parents.has(name) ? (LIMIT_OF[name] ?? []) : [])) }
}

/** Whether the kernel is of this version or a newer one. */
export function isLinux(major: number, minor: number): boolean {
  const [is = 0, at = 0] = release().split('.').map(Number)
  return is > major || (is === major && at >= minor)
}

function parseMount(line: string): Mount {
  const [before = '', after = ''] = line.split(' - ')
  const [, , , root = '/', path = ''] = before.split(' ')
  const [type = '', , options = ''] = after.split(' ')
  return { root, path: path.replaceAll('\\040', ' '), type, options: options.split(',') }
}

/** The directory of a group below its mount, which in a container shows a part of the tree. */
function within(mount: Mount, path: string): string {
  if (mount.root === '/') return join(mount.path, path)
  return path === mount.root || path.startsWith(`${mount.root}/`) ? join(mount.path, path.slice(mount.root.length)) : mount.path
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean)
  } catch {
    // Not mounted here: then there are no such groups.
    return []
  }
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    // The answer is no.
    return false
  }
}
