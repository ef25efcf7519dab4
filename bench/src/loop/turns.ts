import { statsOf } from '../stats.ts'

/** Turns at each end of a run that are compared. */
const ENDS = 20

/** When the tool was called in each turn, in milliseconds. */
export type Called = readonly number[]

function lengths(called: Called): number[] {
  return called.slice(1).map((at, index) => at - (called[index] ?? at))
}

/** What a turn costs over a whole run, everything from one call to the next. */
export function perTurn(called: Called): number {
  return ((called.at(-1) ?? Number.NaN) - (called[0] ?? Number.NaN)) / (called.length - 1)
}

/** The last turns over the first ones, by medians: what a turn costs more because others came before it. */
export function growth(called: Called): number {
  const turns = lengths(called)
  return statsOf(turns.slice(-ENDS)).median / statsOf(turns.slice(0, ENDS)).median
}
