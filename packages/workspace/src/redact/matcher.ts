/** A form of a secret, and what stands in its place. */
export interface Pattern {
  readonly bytes: Buffer
  readonly mark: Buffer
}

export interface Hit {
  readonly length: number
  readonly mark: Buffer
}

/** Finds patterns in bytes. Its cost per byte hardly depends on how many there are. */
export interface Matcher {
  /** Of the longest pattern. */
  readonly longest: number
  /** The first place at or behind `from` at which a pattern begins; `bytes.length` when there is none. */
  next(bytes: Buffer, from: number): number
  /** The longest pattern that begins at a place. */
  at(bytes: Buffer, place: number): Hit | undefined
  /** Tells whether a pattern may begin at a place and go on behind the end, longer than what is found there now. */
  isOpen(bytes: Buffer, place: number): boolean
}

/** Of two bytes; a collision only costs a look. */
const PAIRS = 1 << 16

const pairAt = (bytes: Buffer, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

function startsAt(bytes: Buffer, place: number, pattern: Buffer): boolean {
  const end = place + pattern.length
  return end <= bytes.length && bytes.compare(pattern, 0, pattern.length, place, end) === 0
}

function groupBy(patterns: readonly Pattern[], keyOf: (bytes: Buffer) => number): Map<number, Pattern[]> {
  const groups = new Map<number, Pattern[]>()
  for (const pattern of patterns) {
    const key = keyOf(pattern.bytes)
    const group = groups.get(key)
    if (group) group.push(pattern)
    else groups.set(key, [pattern])
  }
  return groups
}

/**
 * The algorithm of Wu and Manber: a window as long as the shortest pattern moves over the bytes, and the two bytes at its end
 * say how far it may jump.
 *
 * @param patterns at least one, of at least two bytes each, no two with the same bytes.
 */
export function matcher(patterns: readonly Pattern[]): Matcher {
  const sorted = patterns.toSorted((a, b) => b.bytes.length - a.bytes.length)
  const longest = sorted[0]?.bytes.length ?? 0
  const window = sorted.at(-1)?.bytes.length ?? 0
  const jumps = new Uint16Array(PAIRS).fill(Math.min(window - 1, 0xffff))
  for (const { bytes } of sorted)
    for (let at = 0; at <= window - 2; at++) {
      const pair = pairAt(bytes, at)
      jumps[pair] = Math.min(jumps[pair] ?? 0, window - 2 - at)
    }
  const byStart = groupBy(sorted, (bytes) => pairAt(bytes, 0))
  const byFirst = groupBy(sorted, (bytes) => bytes[0] ?? 0)

  const at = (bytes: Buffer, place: number): Hit | undefined => {
    for (const pattern of byStart.get(pairAt(bytes, place)) ?? [])
      if (startsAt(bytes, place, pattern.bytes)) return { length: pattern.bytes.length, mark: pattern.mark }
    return undefined
  }

  return {
    longest,
    at,
    next(bytes, from) {
      const last = bytes.length - window
      for (let place = from; place <= last; ) {
        const jump = jumps[pairAt(bytes, place + window - 2)] ?? 0
        if (jump > 0) place += jump
        else if (at(bytes, place)) return place
        else place++
      }
      return bytes.length
    },
    isOpen(bytes, place) {
      const length = bytes.length - place
      for (const { bytes: pattern } of byFirst.get(bytes[place] ?? 0) ?? []) {
        // They are sorted: all that follow are shorter.
        if (pattern.length <= length) return false
        if (bytes.compare(pattern, 0, length, place, bytes.length) === 0) return true
      }
      return false
    },
  }
}
