import { normalizePath } from '@ringfence/core'

/**
 * A path as a model wrote it, relative to the workspace: relative ones begin at `cwd`, absolute ones must lie below
 * `root`. The workspace itself is ".".
 *
 * @throws `path.invalid`, `path.escapes-workspace`.
 */
export function resolvePath(path: string, cwd: string, root: string): string {
  return normalizePath(below(path, root) ?? (path.startsWith('/') || path === '' ? path : `${cwd || '.'}/${path}`)) || '.'
}

/** The part of an absolute path after the root, or undefined when it does not begin with the root. */
function below(path: string, root: string): string | undefined {
  const base = root === '/' ? '' : root.replace(/\/+$/, '')
  if (path === root || path === base) return '.'
  return path.startsWith(`${base}/`) ? path.slice(base.length).replace(/^\/+/, '') || '.' : undefined
}
