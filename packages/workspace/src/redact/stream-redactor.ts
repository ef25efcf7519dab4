import type { Matcher } from './matcher.ts'

/**
 * Redacts one stream, chunk by chunk: gives what may be shown of it so far and was not given yet. It holds back what may be the begin of
 * a secret, and no more; with `isLast` it gives the rest.
 */
export type StreamRedactor = (chunk: Uint8Array, isLast: boolean) => Uint8Array

const NOTHING = Buffer.alloc(0)

/** A stream without secrets: nothing is copied, nothing is held. */
export const PASSING: StreamRedactor = (chunk) => chunk

/**
 * Replaces the patterns of a matcher, from the left, the longest first. Patterns that overlap are replaced together by the mark
 * of the first, so that no part of any is left. What comes out does not depend on how the stream is cut.
 */
export function streamRedactor(matcher: Matcher): StreamRedactor {
  /** What was not given yet. */
  let held: Buffer = NOTHING
  /** So many bytes at its begin belong to a secret whose mark was given already. */
  let covered = 0

  /** The first place that cannot be decided before more arrives. */
  const openPlace = (bytes: Buffer): number => {
    let place = Math.max(0, bytes.length - matcher.longest + 1)
    while (place < bytes.length && !matcher.isOpen(bytes, place)) place++
    return place
  }

  const take = (bytes: Buffer, final: boolean): Buffer => {
    const limit = final ? bytes.length : openPlace(bytes)
    const out: Buffer[] = []
    let shown = 0
    for (let place = matcher.next(bytes, 0); place < limit; place = matcher.next(bytes, place + 1)) {
      const hit = matcher.at(bytes, place)
      if (!hit) continue
      if (place >= covered) {
        out.push(bytes.subarray(Math.max(shown, covered), place), hit.mark)
        shown = place
      }
      covered = Math.max(covered, place + hit.length)
    }
    const from = Math.max(shown, covered)
    if (from < limit) out.push(bytes.subarray(from, limit))
    covered = Math.max(0, covered - limit)
    held = limit === bytes.length ? NOTHING : Buffer.from(bytes.subarray(limit))
    return out.length === 1 ? (out[0] ?? NOTHING) : Buffer.concat(out)
  }

  return (chunk, isLast) => {
    const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    return take(held.length === 0 ? fresh : Buffer.concat([held, fresh]), isLast)
  }
}
