import { normalizePath, RingfenceError } from '@ringfence/core'

/**
 * A path as callers give it, relative to the workspace. Absolute paths within the root are taken as well.
 *
 * @throws `path.invalid`, `path.escapes-workspace`.
 */
export function workspaceRelative(root: string, path: string): string {
  if (!path.startsWith('/')) return normalizePath(path)
  const top = root.endsWith('/') ? root : `${root}/`
  if (path === root || path === top) return ''
  return normalizePath(path.startsWith(top) ? `./${path.slice(top.length)}` : path)
}

/** As {@link workspaceRelative}, for what cannot be done to the workspace itself. Throws `path.invalid` for it. */
export function belowWorkspace(root: string, path: string, what: string): string {
  const relative = workspaceRelative(root, path)
  if (relative === '')
    throw new RingfenceError('path.invalid', `The workspace itself cannot be ${what}`, { hint: 'Name something below it.', effect: 'none' })
  return relative
}
