import { execFile } from 'node:child_process'
import { RingfenceError } from '@ringfence/core'

/** What must never be changed by what came out of a sandbox. */
const NEVER = /(^|\/)\.git(\/|$)/i
/** Files that tools run by themselves, so that they need a word of consent. */
const SELF_RUNNING = [
  /(^|\/)\.envrc$/,
  /^\.github\/workflows\//,
  /(^|\/)\.gitlab-ci\.yml$/,
  /(^|\/)package\.json$/,
  /^\.husky\//,
  /(^|\/)\.vscode\//,
  /(^|\/)\.gitmodules$/,
  /(^|\/)\.gitattributes$/,
  /(^|\/)\.npmrc$/,
]

export interface ApplyOptions {
  readonly repository: string
  readonly patch: string
  /** Takes changes of files that tools run by themselves. */
  readonly consent: boolean
}

function git(repository: string, args: readonly string[], input: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const safe = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'core.symlinks=true', '-C', repository]
  return new Promise((resolve) => {
    const child = execFile('git', [...safe, ...args], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 127) : 0, stdout, stderr })
    })
    child.stdin?.on('error', () => {
      // git ended before it read all; its exit code tells.
    })
    child.stdin?.end(input)
  })
}

function refuse(message: string, hint: string): never {
  throw new RingfenceError('patch.refused', message, { hint, operation: 'run.apply', effect: 'none' })
}

/** The paths that a patch touches, as git itself reads them, old and new names. */
async function touchedPaths({ repository, patch }: ApplyOptions): Promise<readonly string[]> {
  const { code, stdout, stderr } = await git(repository, ['apply', '--numstat', '-z', '--unsafe-paths', '--directory=', '-'], patch)
  if (code !== 0) refuse(`git does not read the patch: ${stderr.trim()}`, 'Look at the patch, and apply by hand what you trust.')
  const listed = stdout
    .split('\0')
    .flatMap((row) => row.split('\t').slice(-1))
    .filter((path) => path !== '')
  const headers = [...patch.matchAll(/^(?:---|\+\+\+|rename (?:from|to)|copy (?:from|to)) "?(?:[ab]\/)?(.+?)"?$/gm)].map(
    (match) => match[1] ?? '',
  )
  return [...new Set([...listed, ...headers.filter((path) => path !== '/dev/null')])]
}

/**
 * Applies a patch that came out of a sandbox to the repository of the host: all of it or nothing, and only what is
 * harmless. No hook and no configured program runs.
 *
 * @returns the paths that were changed.
 * @throws `patch.refused`; the repository is as it was then.
 */
export async function applyPatch(options: ApplyOptions): Promise<readonly string[]> {
  const { repository, patch, consent } = options
  if (patch.trim() === '') return []
  const paths = await touchedPaths(options)
  for (const path of paths) {
    if (NEVER.test(path))
      refuse(`The patch changes "${path}", which belongs to git itself`, 'Nothing was applied. Treat the sandbox as hostile.')
    if (path.startsWith('/') || path.split('/').includes('..'))
      refuse(`The patch leads out of the repository: "${path}"`, 'Nothing was applied. Treat the sandbox as hostile.')
  }
  const linked = /^(?:new file mode|new mode|old mode|index .* )\s*(120000|160000)$/m.exec(patch)
  if (linked) refuse(`The patch makes or changes a ${linked[1] === '120000' ? 'link' : 'submodule'}`, 'Make it by hand if you trust it.')
  const running = paths.filter((path) => SELF_RUNNING.some((pattern) => pattern.test(path)))
  if (running.length > 0 && !consent)
    refuse(`The patch changes what tools run by themselves: ${running.join(', ')}`, 'Look at it, then pass --consent.')
  const checked = await git(repository, ['apply', '--check', '-'], patch)
  if (checked.code !== 0) refuse(`The patch does not apply: ${checked.stderr.trim()}`, 'The repository changed since the run began.')
  const applied = await git(repository, ['apply', '-'], patch)
  if (applied.code !== 0) refuse(`git could not apply the patch: ${applied.stderr.trim()}`, 'git applies all of it or nothing.')
  return paths
}
