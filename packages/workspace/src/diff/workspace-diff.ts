import { normalizePath, RingfenceError } from '@ringfence/core'
import type { SandboxShell } from '../shell/sandbox-shell.ts'

// An index of its own, so that the repository is left as it was; no configuration of it can name a program to run.
const SCRIPT = `
cd -P -- "$1" 2>/dev/null || exit 3
command -v git >/dev/null 2>&1 || exit 4
top=$(git rev-parse --git-dir 2>/dev/null) || exit 5
index=$(mktemp) || exit 6
trap 'rm -f -- "$index"' EXIT
# As old as the first one: git looks into files that are as young as their index.
[ ! -f "$top/index" ] || { cat -- "$top/index" > "$index" && touch -r "$top/index" "$index"; }
export GIT_INDEX_FILE="$index" GIT_CONFIG_NOSYSTEM=1 GIT_OPTIONAL_LOCKS=0
set -- -c core.fsmonitor=false -c core.hooksPath=/dev/null -c core.quotePath=true -c diff.external= -c color.ui=never
git "$@" add -A . >/dev/null 2>&1
git "$@" diff --cached --binary --no-ext-diff --no-textconv --no-renames --src-prefix=a/ --dst-prefix=b/ HEAD --`

const REASONS: Readonly<Record<number, string>> = {
  3: 'there is no such directory',
  4: 'there is no git in the sandbox',
  5: 'it is no git repository',
  6: 'there is no room for a temporary file',
}

/**
 * What changed in a git repository of the workspace since its last commit, as a git patch with binary content. It is
 * made inside and is as hostile as all that comes from there.
 *
 * @throws `git.failed`, `path.*`, `archive.limit`.
 */
export async function workspaceDiff(shell: SandboxShell, path: string, signal?: AbortSignal): Promise<string> {
  const { code, stdout, stderr } = await shell.run(SCRIPT, [normalizePath(path) || '.'], { signal })
  if (code === 0) return Buffer.from(stdout).toString('utf8')
  throw new RingfenceError(
    'git.failed',
    `The changes of "${path}" could not be read: ${REASONS[code] ?? (stderr.trim() || `git ended with ${code}`)}`,
    {
      hint: 'Only a git repository with a commit has a diff.',
      operation: 'workspace.diff',
      effect: 'none',
    },
  )
}
