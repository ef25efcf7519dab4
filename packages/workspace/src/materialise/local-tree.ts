import { type Dirent, lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs'
import { resolve } from 'node:path'
import { byteKey, type PackMember, packMember, showBytes } from '../archive/index.ts'
import { type GitListing, gitListing, isInWorkTree } from './git-listing.ts'
import type { LeftOutList } from './left-out.ts'
import { localFileMember } from './local-file.ts'
import { type LocalFolder, openFolder } from './local-folder.ts'
import { sourceError, sourceRefused } from './source-error.ts'

export interface LocalTreeOptions {
  readonly source: string
  /** Where it goes; empty for the workspace itself. */
  readonly target: string
  /** Of the folder itself. Default: what it has. */
  readonly mode?: number | undefined
  readonly gitignore: boolean
  readonly leftOut: LeftOutList
  readonly signal?: AbortSignal | undefined
}

const SLASH = Buffer.from('/')

const join = (folder: Buffer, name: Buffer): Buffer => (folder.length === 0 ? name : Buffer.concat([folder, SLASH, name]))

function lstat(path: string | Buffer, name: string): Stats {
  try {
    return lstatSync(path)
  } catch (error) {
    throw sourceError(name, error)
  }
}

/** Throws `source.not-found`, or `source.refused` for a link or anything else than a folder. */
export function checkLocalDir(source: string): Stats {
  // Resolved, because a slash at the end would follow a link.
  const stat = lstat(resolve(source), source)
  if (stat.isSymbolicLink()) throw sourceRefused(source, 'it is a link')
  if (!stat.isDirectory()) throw sourceRefused(source, 'it is no folder', 'Use `localFile` for a file.')
  return stat
}

const directory = (path: Buffer, { mode, mtimeMs }: Stats): PackMember =>
  packMember(path, 'directory', { mode: mode & 0o777, modifiedAt: Math.floor(mtimeMs / 1000) })

/** Tells whether a link leads out: by its text, and, since links go through links, by where it really ends. */
function leadsOut(link: Buffer, relative: string, target: string, root: Buffer): boolean {
  if (target.startsWith('/')) return true
  const parts = relative.split('/').slice(0, -1)
  for (const part of target.split('/')) {
    if (part === '..' && parts.pop() === undefined) return true
    if (part !== '..' && part !== '.' && part !== '') parts.push(part)
  }
  const real = nearest(link, target)
  return !real.equals(root) && !(real.subarray(0, root.length).equals(root) && real[root.length] === SLASH[0])
}

/** Where a target really is, or the nearest place before it that is there. */
function nearest(link: Buffer, target: string): Buffer {
  const folder = link.subarray(0, link.lastIndexOf(SLASH))
  for (let rest = target; rest !== ''; rest = rest.slice(0, Math.max(0, rest.lastIndexOf('/')))) {
    try {
      return realpathSync.native(join(folder, Buffer.from(rest, 'latin1')), { encoding: 'buffer' })
    } catch {
      // It is not there, or goes in a circle; what stands before its last part may be.
    }
  }
  return folder
}

interface Walk extends LocalTreeOptions {
  /** The real path of the source. */
  readonly root: Buffer
  readonly base: Buffer
}

/** What of a folder is looked at, and how its names are found in the listing of its repository. */
interface Scope {
  readonly listing: GitListing | undefined
  /** Begin of relative paths that is none of the repository's. */
  readonly offset: number
}

async function scopeOf(walk: Walk, relative: Buffer): Promise<Scope> {
  const folder = join(walk.root, relative)
  const offset = relative.length === 0 ? 0 : relative.length + 1
  return { listing: walk.gitignore ? await gitListing(folder.toString(), walk.signal) : undefined, offset }
}

const isGit = ({ name }: Dirent<Buffer>): boolean => byteKey(name) === '.git'

async function* walkFolder(walk: Walk, relative: Buffer, folder: LocalFolder, scope: Scope): AsyncGenerator<PackMember> {
  const { listing, offset } = scope
  for (const entry of folder.entries) {
    if (isGit(entry)) continue
    const inner = join(relative, entry.name)
    const path = folder.pathOf(entry.name)
    const name = join(walk.root, inner)
    const target = join(walk.base, inner)
    const key = byteKey(inner).slice(offset)
    // What was a file when the folder was read is looked at again when it is open.
    const stat = entry.isFile() ? undefined : lstat(path, showBytes(name))
    if (stat?.isDirectory()) yield* walkInner(walk, inner, openFolder(path, name), key, scope)
    else if (listing && !listing.has(key)) walk.leftOut.add(target, 'git-ignored')
    else if (!stat || stat.isFile()) yield localFileMember(path, { target, name })
    else if (stat.isSymbolicLink()) {
      const to = readlinkSync(path, { encoding: 'buffer' })
      if (leadsOut(name, byteKey(inner), byteKey(to), walk.root)) walk.leftOut.add(target, 'link-leads-out')
      else yield packMember(target, 'symlink', { mode: 0o777, target: to })
    } else walk.leftOut.add(target, 'special-file')
  }
}

async function* walkInner(walk: Walk, inner: Buffer, folder: LocalFolder, key: string, scope: Scope): AsyncGenerator<PackMember> {
  try {
    const { listing } = scope
    const target = join(walk.base, inner)
    // A folder that is listed itself is a repository of its own, or a submodule. Git says nothing of empty ones; they are kept.
    const own = listing?.has(key) ?? false
    if (listing && !own && !listing.hasBelow(key) && folder.entries.length > 0) {
      walk.leftOut.add(target, 'git-ignored')
      return
    }
    yield directory(target, folder.stat)
    const below = !own ? scope : folder.entries.some(isGit) ? await scopeOf(walk, inner) : { listing: undefined, offset: 0 }
    yield* walkFolder(walk, inner, folder, below)
  } finally {
    folder.close()
  }
}

/**
 * A folder of this machine as members: execute bits, empty folders and names of any bytes are kept, `.git` never, links only
 * when they stay within it.
 *
 * @throws `source.*`, `git.failed` when it lies in a work tree and git cannot say what is ignored there; the reason of the signal.
 */
export async function* localTree(options: LocalTreeOptions): AsyncGenerator<PackMember> {
  const { target, mode } = options
  const source = resolve(options.source)
  const stat = checkLocalDir(source)
  const root = realpathSync.native(Buffer.from(source), { encoding: 'buffer' })
  const gitignore = options.gitignore && isInWorkTree(root.toString())
  const walk: Walk = { ...options, gitignore, root, base: Buffer.from(target) }
  if (target !== '') yield { ...directory(walk.base, stat), ...(mode === undefined ? {} : { mode }) }
  const folder = openFolder(root, root, root)
  try {
    yield* walkFolder(walk, Buffer.alloc(0), folder, await scopeOf(walk, Buffer.alloc(0)))
  } finally {
    folder.close()
  }
}
