import { chmodSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isRingfenceError } from '@ringfence/core'
import { directoryFailure, errors } from './errors.ts'
import type { Settings } from './options.ts'

const OTHERS_WRITE = 0o022
const STICKY = 0o1000
const OTHERS_SEARCH = 0o001

/** Whether sandboxes of this process get a user of their own on the host: only root can give one. */
export function hasOwnUser(isolation: 'process' | 'none'): boolean {
  return isolation === 'process' && process.getuid?.() === 0
}

/**
 * The state directory: made when it is missing, and refused when another user could have planted or could change it.
 *
 * @returns its path without links.
 * @throws `config.invalid`, `sandbox.start-failed`.
 */
export function openRoot({ directory, ownDirectory, isolation }: Settings): string {
  const mode = hasOwnUser(isolation) ? 0o711 : 0o700
  let path = directory
  try {
    if (ownDirectory) mkdirSync(directory, { mode })
    else makeDirectories(dirname(directory), mode)
  } catch (cause) {
    if (!isExisting(directory)) throw directoryFailure(directory, cause)
  }
  try {
    path = join(realpathSync(dirname(directory)), basename(directory))
    if (!isExisting(path)) mkdirSync(path, { mode })
    checkOwner(path)
    checkAncestors(dirname(path), hasOwnUser(isolation))
    if (hasOwnUser(isolation) && (lstatSync(path).mode & 0o777) !== mode) chmodSync(path, mode)
  } catch (cause) {
    if (isRingfenceError(cause)) throw cause
    throw directoryFailure(directory, cause)
  }
  return path
}

/** The state directory, when there is one that can be trusted. For looking only: nothing is made. */
export function findRoot({ directory }: Settings): string | undefined {
  if (!isExisting(directory)) return undefined
  const path = join(realpathSync(dirname(directory)), basename(directory))
  checkOwner(path)
  return path
}

/** Whether a user without any right of its own can reach a path. */
export function isReachable(path: string): boolean {
  for (let at = dirname(path); ; at = dirname(at)) {
    if ((statSync(at).mode & OTHERS_SEARCH) === 0) return false
    if (at === '/') return true
  }
}

function checkOwner(path: string): void {
  const stat = lstatSync(path)
  if (!stat.isDirectory()) throw refused(path, 'is not a directory, or a link')
  if (stat.uid !== process.getuid?.()) throw refused(path, `belongs to the user ${stat.uid}, not to this one`)
  if ((stat.mode & OTHERS_WRITE) !== 0) throw refused(path, 'can be written by other users')
}

function checkAncestors(path: string, reachable: boolean): void {
  for (let at = path; ; at = dirname(at)) {
    const { uid, mode } = lstatSync(at)
    if (uid !== 0 && uid !== process.getuid?.()) throw refused(at, `belongs to the user ${uid}`)
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) throw refused(at, 'can be written by other users')
    if (reachable && (mode & OTHERS_SEARCH) === 0)
      throw refused(at, 'cannot be passed by the users of the sandboxes, which are not root (it lacks "o+x")')
    if (at === '/') return
  }
}

function refused(path: string, why: string): Error {
  return errors.invalid(
    'sandbox.create',
    `The directory "${path}" is not safe for sandboxes: it ${why}`,
    'Name another place with the option "directory".',
  )
}

/** One by one: where a file system refuses with ENOENT, as /proc does, Node's own recursive form never ends. */
function makeDirectories(path: string, mode: number): void {
  if (isExisting(path)) return
  makeDirectories(dirname(path), mode)
  try {
    mkdirSync(path, { mode })
  } catch (cause) {
    // Another process made it in between.
    if (!isExisting(path)) throw cause
  }
}

function isExisting(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
