import { isWithin, normalizePath } from '@ringfence/core'
import { byteKey } from '../archive/index.ts'

/** Paths that a walk leaves out. */
export interface Excludes {
  /** Normalized and sorted; none lies below another. */
  readonly paths: readonly string[]
  /** Tells whether a raw path is left out. */
  has(path: Buffer): boolean
  /** Patterns for `find -path`, as many as fit into a request. Those that do not are left out by `has` alone. */
  readonly patterns: readonly string[]
  /** The directories above them, the workspace first, as `/a/b`; the workspace is empty. */
  readonly above: readonly string[]
}

const MAX_PATTERN_BYTES = 64 * 1024

/** Checks paths. Throws `path.*`. */
export function excludesOf(given: readonly string[]): Excludes {
  const sorted = [...new Set(given.map((path) => normalizePath(path)))].filter((path) => path !== '').sort()
  const paths = sorted.filter((path) => !sorted.some((other) => other !== path && isWithin(path, other)))
  const keys = new Set(paths.map((path) => byteKey(Buffer.from(path))))
  const above = new Set([''])
  for (const path of paths)
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) above.add(`/${path.slice(0, end)}`)
  const patterns: string[] = []
  let bytes = 0
  for (const path of paths) {
    const pattern = `./${path.replace(/[\\*?[\]]/g, '\\$&')}`
    bytes += Buffer.byteLength(pattern)
    if (bytes <= MAX_PATTERN_BYTES) patterns.push(pattern)
  }
  return {
    paths,
    patterns,
    above: [...above].sort(),
    has(path) {
      const key = byteKey(path)
      for (let end = key.indexOf('/'); end >= 0; end = key.indexOf('/', end + 1)) if (keys.has(key.slice(0, end))) return true
      return keys.has(key)
    },
  }
}
