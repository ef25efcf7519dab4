import { accessSync, constants, existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { CreateRequest } from '@ringfence/core'
import { errors } from './errors.ts'
import type { Layout } from './layout.ts'
import type { Settings } from './options.ts'
import { INSIDE_ID } from './runtime-files.ts'
import { hasOwnUser, isReachable } from './state-root.ts'

/** Where things are inside. */
export const INSIDE = {
  workspace: '/workspace',
  control: '/ringfence/control',
  requests: '/ringfence/requests',
  runtime: '/ringfence/runtime',
  home: '/home/sandbox',
} as const

/** Largest size of /dev/shm in bytes, the one writable file system in memory. What grows is on disk. */
const SHARED_MEMORY = 64 * 1024 * 1024

/** Directories of the system that are links into /usr where it is merged. */
const SYSTEM = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32']

/** What programs need of the host's /etc. No names of users, no keys, no configuration of services. */
const ETC = ['ld.so.cache', 'alternatives', 'localtime', 'ssl/certs', 'ssl/openssl.cnf', 'pki/tls/certs', 'pki/ca-trust/extracted']

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The `bwrap` program. Throws `sandbox.unavailable` with the line that installs it. */
export function findBubblewrap(path: string | undefined): string {
  const places =
    path === undefined ? ['/usr/bin', ...(process.env.PATH ?? '').split(':')].filter(Boolean).map((at) => join(at, 'bwrap')) : [path]
  const found = places.find((at) => isExecutable(at))
  if (found !== undefined) return found
  throw errors.unavailable(
    'sandbox.create',
    path === undefined ? 'The program "bwrap" is not installed' : `The program "${path}" is missing or may not be run`,
    'Install it with "apt-get install bubblewrap" (dnf, pacman and apk call it bubblewrap too).',
  )
}

/** The arguments of bubblewrap that build the inside. They hold no secret. */
export function bubblewrapArguments(layout: Layout, runtime: string, settings: Settings, request: CreateRequest): string[] {
  const node = nodePath(hasOwnUser(settings.isolation))
  return [
    ...['--unshare-all', '--unshare-user', '--disable-userns', ...(request.egress === 'open' ? ['--share-net'] : [])],
    ...['--uid', String(INSIDE_ID), '--gid', String(INSIDE_ID), '--hostname', 'sandbox', '--new-session', '--cap-drop', 'ALL'],
    ...environment(node),
    ...['--ro-bind', '/usr', '/usr', ...SYSTEM.flatMap(systemDirectory)],
    ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys', '--dev', '/dev'],
    ...['--size', sharedMemory(request), '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
    ...['--dir', '/run', '--symlink', '../tmp', '/var/tmp', '--symlink', '../run', '/var/run'],
    ...ETC.flatMap((name) => ifThere(`/etc/${name}`)),
    ...['passwd', 'group', 'hosts', 'nsswitch.conf'].flatMap((name) => ['--symlink', join(INSIDE.runtime, name), `/etc/${name}`]),
    ...(request.egress === 'open' ? ifThere('/etc/resolv.conf') : []),
    ...(node === undefined ? [] : ['--ro-bind', node, node]),
    ...settings.readOnlyPaths.flatMap((path) => shownPath(path, settings)),
    ...['--bind', layout.temporary, '/tmp', '--bind', layout.home, INSIDE.home, '--bind', layout.workspace, INSIDE.workspace],
    ...['--bind', layout.control, INSIDE.control, '--ro-bind', layout.requests, INSIDE.requests, '--ro-bind', runtime, INSIDE.runtime],
    ...['--remount-ro', '/'],
  ]
}

/** Files in memory are never freed by the kernel: with half of the limit, the sandbox outlives them. */
function sharedMemory({ limits }: CreateRequest): string {
  return String(Math.floor(Math.min(SHARED_MEMORY, (limits.memoryBytes ?? Number.POSITIVE_INFINITY) / 2)))
}

function environment(node: string | undefined): string[] {
  const extra = node === undefined ? '' : `:${basename(node) === 'bin' ? node : dirname(node)}`
  const values = { PATH: `${PATH}${extra}`, HOME: INSIDE.home, USER: 'sandbox', LOGNAME: 'sandbox' }
  return ['--clearenv', ...Object.entries(values).flatMap(([name, value]) => ['--setenv', name, value])]
}

function systemDirectory(name: string): string[] {
  const path = `/${name}`
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (!stat) return []
  return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
}

const ifThere = (path: string): string[] => ['--ro-bind-try', path, path]

function shownPath(path: string, { directory, isolation }: Settings): string[] {
  if (directory === path || directory.startsWith(`${path}/`))
    throw errors.invalid('sandbox.create', `The path "${path}" of readOnlyPaths holds the sandboxes themselves`, 'Name a narrower one.')
  if (!existsSync(path)) throw errors.invalid('sandbox.create', `The path "${path}" of readOnlyPaths is not there`, 'Correct the path.')
  if (hasOwnUser(isolation) && !isReachable(realpathSync(path)))
    throw errors.invalid(
      'sandbox.create',
      `The path "${path}" of readOnlyPaths cannot be reached by the user of the sandbox`,
      'Allow others to pass the directories above it (chmod o+x), or copy it elsewhere.',
    )
  return ['--ro-bind', path, path]
}

/**
 * The directory of the running Node when it is not a part of the system: a `bin` directory, otherwise the file alone,
 * since a program may lie in somebody's home. Left out where the user of the sandbox cannot reach it.
 */
function nodePath(ownUser: boolean): string | undefined {
  const program = realpathSync(process.execPath)
  if (program.startsWith('/usr/') || (ownUser && !isReachable(program))) return undefined
  const directory = dirname(program)
  return basename(directory) === 'bin' ? directory : program
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // The answer is no.
    return false
  }
}
