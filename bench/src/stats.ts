/** What is told of a series. */
export interface Stats {
  readonly count: number
  readonly median: number
  /** What 95 of 100 samples are below. */
  readonly p95: number
  readonly min: number
  /** Between the quartiles: half of the samples lie within it. */
  readonly spread: number
}

/** A quantile of sorted numbers, between neighbours where it falls between them. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? below
  return below + (above - below) * (at - Math.floor(at))
}

/** @param samples at least one. */
export function statsOf(samples: readonly number[]): Stats {
  const sorted = [...samples].sort((a, b) => a - b)
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    min: sorted[0] ?? Number.NaN,
    spread: quantile(sorted, 0.75) - quantile(sorted, 0.25),
  }
}
