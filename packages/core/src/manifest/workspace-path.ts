import { RingfenceError } from '../errors/ringfence-error.ts'

/**
 * A path below the workspace in its one form: parts joined by `/`, without `.`, `..` and a leading `/`. The workspace
 * itself is the empty string.
 *
 * @throws `path.invalid` (empty, with a NUL, or with half a character), `path.escapes-workspace` (absolute, or out by `..`).
 */
export function normalizePath(path: string): string {
  const fault = path === '' ? 'is empty' : path.includes('\0') ? 'holds a NUL' : /\p{Surrogate}/u.test(path) ? 'is no Unicode text' : ''
  if (fault !== '')
    throw new RingfenceError('path.invalid', `The path ${JSON.stringify(path)} ${fault}`, {
      hint: 'Give a relative path within the workspace; "." is the workspace itself.',
      effect: 'none',
    })
  const parts: string[] = []
  let depth = path.startsWith('/') ? -1 : 0
  for (const part of depth < 0 ? [] : path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) depth = -1
  }
  if (depth < 0)
    throw new RingfenceError('path.escapes-workspace', `The path "${path}" leads out of the workspace`, {
      hint: 'Use a relative path that stays within the workspace.',
      effect: 'none',
    })
  return parts.join('/')
}

/** Tells whether a normalized path is another one or lies below it. Not fooled by names that begin alike. */
export function isWithin(path: string, ancestor: string): boolean {
  return ancestor === '' || path === ancestor || path.startsWith(`${ancestor}/`)
}
