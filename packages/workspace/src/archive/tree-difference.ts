import { showBytes } from './member.ts'
import type { TreeDigest, TreeEntry } from './tree-digest.ts'

/** In what two trees differ at a path. */
export interface TreeDifference {
  /** UTF-8 where it is, escapes where it is not. */
  readonly path: string
  /** `missing`: only in the first tree; `extra`: only in the second. */
  readonly kind: 'missing' | 'extra' | 'type' | 'mode' | 'content' | 'target'
  readonly expected?: string | undefined
  readonly actual?: string | undefined
}

export interface TreeComparison {
  readonly equal: boolean
  /** In the order of paths, at most as many as were asked for. */
  readonly differences: readonly TreeDifference[]
  /** There are more than `differences` holds. */
  readonly more: boolean
}

const show = (raw: string): string => showBytes(Buffer.from(raw, 'latin1'))

function differenceOf(expected: TreeEntry, actual: TreeEntry): Omit<TreeDifference, 'path'> | undefined {
  if (expected.type !== actual.type) return { kind: 'type', expected: expected.type, actual: actual.type }
  if (expected.target !== actual.target) return { kind: 'target', expected: show(expected.target), actual: show(actual.target) }
  if (expected.sha256 !== actual.sha256) return { kind: 'content', expected: expected.sha256, actual: actual.sha256 }
  if (expected.mode !== actual.mode) return { kind: 'mode', expected: expected.mode.toString(8), actual: actual.mode.toString(8) }
  return undefined
}

/** Compares two trees by one walk over both. */
export function compareTrees(expected: TreeDigest, actual: TreeDigest, limit = 100): TreeComparison {
  if (expected.digest === actual.digest) return { equal: true, differences: [], more: false }
  const differences: TreeDifference[] = []
  const [a, b] = [expected.entries, actual.entries]
  let more = false
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const [left, right] = [a[i], b[j]]
    let found: TreeDifference | undefined
    if (left && (!right || left.path < right.path)) {
      found = { path: show(left.path), kind: 'missing' }
      i++
    } else if (right && (!left || right.path < left.path)) {
      found = { path: show(right.path), kind: 'extra' }
      j++
    } else if (left && right) {
      const difference = differenceOf(left, right)
      found = difference && { path: show(left.path), ...difference }
      i++
      j++
    }
    if (found && differences.length >= limit) more = true
    else if (found) differences.push(found)
  }
  return { equal: false, differences, more }
}
