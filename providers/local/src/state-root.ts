import { chmodSync, lstatSync, mkdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isRingfenceError } from '@ringfence/core'
import { directoryFailure, errnoOf, errors } from './errors.ts'
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
export function openRoot({ directory, isolation }: Settings): string {
  const mode = hasOwnUser(isolation) ? 0o711 : 0o700
  try {
    // As it is written first: a link on the way must be nobody else's, wherever it leads.
    checkAncestors(dirname(directory), false)
    makeDirectories(dirname(directory), mode)
    const path = join(realpathSync(dirname(directory)), basename(directory))
    makeDirectories(path, mode)
    checkOwner(path)
    checkAncestors(dirname(path), hasOwnUser(isolation))
    if (hasOwnUser(isolation) && (lstatSync(path).mode & 0o777) !== mode) chmodSync(path, mode)
    return path
  } catch (cause) {
    throw isRingfenceError(cause) ? cause : directoryFailure(directory, cause)
  }
}

/** The state directory, when there is one that can be trusted. For looking only: nothing is made. */
export function findRoot({ directory }: Settings): string | undefined {
  if (!look(directory)) return undefined
  checkAncestors(dirname(directory), false)
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

/** What is missing on the way is made by this process; what a link says of its mode means nothing. */
function checkAncestors(path: string, reachable: boolean): void {
  for (let at = path; ; at = dirname(at)) {
    const stat = look(at)
    const uid = stat?.uid ?? 0
    const mode = !stat || stat.isSymbolicLink() ? 0o711 : stat.mode
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
  if (look(path)) return
  makeDirectories(dirname(path), mode)
  try {
    mkdirSync(path, { mode })
  } catch (cause) {
    // Another process made it in between.
    if (!look(path)) throw cause
  }
}

/** What is at a path, a link itself; `undefined` when there is nothing. */
function look(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}
