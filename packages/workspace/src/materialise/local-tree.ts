import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs'
import { resolve } from 'node:path'
import { byteKey, type PackMember, packMember, showBytes } from '../archive/index.ts'
import { type GitListing, gitListing, isInWorkTree } from './git-listing.ts'
import type { LeftOutList } from './left-out.ts'
import { localFileMember } from './local-file.ts'
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
const GIT_DIR = '.git'

const join = (folder: Buffer, name: Buffer): Buffer => (folder.length === 0 ? name : Buffer.concat([folder, SLASH, name]))

function lstat(path: string | Buffer): Stats {
  try {
    return lstatSync(path)
  } catch (error) {
    throw sourceError(typeof path === 'string' ? path : showBytes(path), error)
  }
}

/** Throws `source.not-found`, or `source.refused` for a link or anything else than a folder. */
export function checkLocalDir(source: string): Stats {
  // Resolved, because a slash at the end would follow a link.
  const stat = lstat(resolve(source))
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

function namesIn(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, { encoding: 'buffer' })
  } catch (error) {
    throw sourceError(showBytes(folder), error)
  }
}

async function* walkFolder(walk: Walk, relative: Buffer, scope: Scope): AsyncGenerator<PackMember> {
  const folder = relative.length === 0 ? walk.root : join(walk.root, relative)
  const names = namesIn(folder).sort(Buffer.compare)
  for (const name of names) {
    if (byteKey(name) === GIT_DIR) continue
    const inner = join(relative, name)
    const source = join(walk.root, inner)
    const target = join(walk.base, inner)
    const stat = lstat(source)
    const key = byteKey(inner).slice(scope.offset)
    const { listing } = scope
    if (stat.isDirectory()) {
      // A folder that is listed itself is a repository of its own, or a submodule. Git says nothing of empty ones; they are kept.
      const own = listing?.has(key) ?? false
      if (listing && !own && !listing.hasBelow(key) && namesIn(source).length > 0) {
        walk.leftOut.add(target, 'git-ignored')
        continue
      }
      yield directory(target, stat)
      yield* walkFolder(walk, inner, own && hasGit(source) ? await scopeOf(walk, inner) : own ? { listing: undefined, offset: 0 } : scope)
    } else if (listing && !listing.has(key)) walk.leftOut.add(target, 'git-ignored')
    else if (stat.isFile()) yield localFileMember(source, { target, real: source })
    else if (stat.isSymbolicLink()) {
      const to = readlinkSync(source, { encoding: 'buffer' })
      if (leadsOut(source, byteKey(inner), byteKey(to), walk.root)) walk.leftOut.add(target, 'link-leads-out')
      else yield packMember(target, 'symlink', { mode: 0o777, target: to })
    } else walk.leftOut.add(target, 'special-file')
  }
}

function hasGit(folder: Buffer): boolean {
  return namesIn(folder).some((name) => byteKey(name) === GIT_DIR)
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
  yield* walkFolder(walk, Buffer.alloc(0), await scopeOf(walk, Buffer.alloc(0)))
}
