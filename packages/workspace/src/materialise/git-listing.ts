import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { byteKey } from '../archive/index.ts'
import { git, gitFailed } from './git-run.ts'

/** What git does not ignore below a folder. Paths are relative to it, one character a byte. */
export interface GitListing {
  has(path: string): boolean
  /** Tells whether something that is not ignored lies below. */
  hasBelow(path: string): boolean
}

/** Tells whether a folder lies in a work tree, by looking for `.git` from it upwards; git itself is not asked. */
export function isInWorkTree(folder: string): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return true
    if (dirname(at) === at) return false
  }
}

async function askGit(args: readonly string[], folder: string, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    return await git(args, { cwd: folder, signal })
  } catch (cause) {
    signal?.throwIfAborted()
    throw gitFailed(
      `"${folder}" lies in a git work tree, and git cannot say what is ignored there: ${cause instanceof Error ? cause.message : 'unknown'}`,
      'Mend git on the machine of the harness, or pass `gitignore: false` to take everything.',
      cause,
    )
  }
}

/** Throws `git.failed` when {@link gitListing} would. */
export async function checkGitListing(folder: string, signal: AbortSignal | undefined): Promise<void> {
  if (isInWorkTree(folder)) await askGit(['rev-parse', '--is-inside-work-tree'], folder, signal)
}

/**
 * Tracked files and those that are not ignored.
 *
 * @throws `git.failed`; then nothing is known of what is ignored, and nothing must be taken.
 */
export async function gitListing(folder: string, signal: AbortSignal | undefined): Promise<GitListing> {
  const output = await askGit(['ls-files', '-z', '--cached', '--others', '--exclude-standard'], folder, signal)
  const paths = new Set<string>()
  const above = new Set<string>()
  for (const raw of byteKey(output).split('\0')) {
    if (raw === '') continue
    // A repository within this one is listed as a folder.
    const path = raw.endsWith('/') ? raw.slice(0, -1) : raw
    paths.add(path)
    for (let end = path.lastIndexOf('/'); end > 0 && !above.has(path.slice(0, end)); end = path.lastIndexOf('/', end - 1))
      above.add(path.slice(0, end))
  }
  return { has: (path) => paths.has(path), hasBelow: (path) => above.has(path) }
}
