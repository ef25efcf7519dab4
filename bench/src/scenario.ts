import type { Bench } from './bench.ts'

/** What a figure belongs to: the raw machine, another way to look at it, the peer, or this project. */
export type Role = 'floor' | 'reference' | 'peer' | 'ours'

/** `count`: a number of things. */
export type Unit = 'ms' | 'MB' | 'x' | 'count'

/** What a figure must hold. */
export type Goal =
  /** At most `max` times the smallest of these variants: by medians, or by what 95 of 100 samples are below. */
  | { readonly kind: 'times'; readonly max: number; readonly of: readonly string[]; readonly by: 'median' | 'p95' }
  /** At most this, in the unit of the case. */
  | { readonly kind: 'at-most'; readonly max: number }
  | { readonly kind: 'all'; readonly goals: readonly Goal[] }

export interface Variant {
  readonly name: string
  readonly role: Role
  readonly goal?: Goal | undefined
  /** A missed goal fails the whole run, because the figure does not hang on the machine's mood. Default false. */
  readonly asserted?: boolean | undefined
  /** Does it once, checks what came of it, and gives the figure in the unit of the case. What it prepares is not counted. */
  sample(): Promise<number>
  /** Where the time of the last samples went, told when the goal is missed. */
  phases?(): readonly Phase[]
}

/** A part of the time of a sample. */
export interface Phase {
  readonly name: string
  readonly ms: number
}

/** Figures that are compared with each other: all of one run, interleaved round by round. */
export interface Case {
  /** The row of the table, such as `b1`. */
  readonly id: string
  readonly title: string
  /** Needs an engine of containers; where none can be had it is told as not run. Default false. */
  readonly engine?: boolean | undefined
  /** Default `ms`. */
  readonly unit?: Unit | undefined
  readonly rounds: number
  /** Rounds with `--quick`. */
  readonly quickRounds: number
  /** Rounds before those that count. */
  readonly warmUp: number
  /** Collects garbage before each sample, where one leaves so much that the next would pay for it. Default false. */
  readonly collects?: boolean | undefined
  /** Also measures how far the memory of this process grows, each variant in a process of its own. */
  readonly memory?: { readonly maxMb: number } | undefined
  /** Makes what the variants need; what they leave is given to `bench.defer`. */
  setUp(bench: Bench): Promise<readonly Variant[]>
}

export function atMostTimes(max: number, ...of: readonly string[]): Goal {
  return { kind: 'times', max, of, by: 'median' }
}

/** The same, and for the slow ones as well. */
export function alwaysAtMostTimes(max: number, ...of: readonly string[]): Goal {
  return allOf(atMostTimes(max, ...of), { kind: 'times', max, of, by: 'p95' })
}

export function atMost(max: number): Goal {
  return { kind: 'at-most', max }
}

/** No slower than the peer. */
export function aheadOf(...peers: readonly string[]): Goal {
  return atMostTimes(1, ...peers)
}

export function allOf(...goals: readonly Goal[]): Goal {
  return { kind: 'all', goals }
}
