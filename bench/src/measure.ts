import type { Bench } from './bench.ts'
import { judge, type Verdict } from './judge.ts'
import { profiled } from './profile.ts'
import type { Case, Phase, Role, Unit, Variant } from './scenario.ts'
import { type Stats, statsOf } from './stats.ts'

/** One row of the table. */
export interface Figure {
  readonly id: string
  readonly title: string
  readonly unit: Unit
  readonly variant: string
  readonly role: Role
  readonly stats: Stats | undefined
  /** Times the floor of the case, by medians. */
  readonly overFloor: number | undefined
  readonly goal: string
  readonly verdict: Verdict
  readonly asserted: boolean
  /** What went wrong, where there is no figure. */
  readonly error: string | undefined
  /** Where the time went, when the goal is missed. */
  readonly profile: readonly Phase[]
}

interface Series {
  readonly variant: Variant
  readonly samples: number[]
  error: string | undefined
}

/** One round: every variant once. The order turns, so that none always follows the same one. */
async function runRound({ signal }: Bench, { collects }: Case, series: readonly Series[], round: number, counts: boolean): Promise<void> {
  for (let index = 0; index < series.length; index += 1) {
    const one = series[(index + round) % series.length]
    if (!one || one.error !== undefined) continue
    signal.throwIfAborted()
    try {
      if (collects) globalThis.gc?.()
      const figure = await one.variant.sample()
      if (counts) one.samples.push(figure)
    } catch (error) {
      one.error = messageOf(error)
    }
  }
}

/** The sentence of an error, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** Measures a case: variants interleaved round by round, warm-up left out. */
export async function measureCase(bench: Bench, given: Case): Promise<Figure[]> {
  const variants = await given.setUp(bench)
  const series = variants.map((variant): Series => ({ variant, samples: [], error: undefined }))
  const rounds = bench.quick ? given.quickRounds : given.rounds
  for (let round = 0; round < given.warmUp; round += 1) await runRound(bench, given, series, round, false)
  for (let round = 0; round < rounds; round += 1) await runRound(bench, given, series, round, true)
  const figures = figuresOf(
    { id: given.id, title: given.title, unit: given.unit ?? 'ms' },
    series.map(({ variant, samples, error }) => ({ ...variant, samples, error })),
  )
  const told: Figure[] = []
  // One after another: the profiler looks at the whole process.
  for (const [index, figure] of figures.entries()) {
    const variant = variants[index]
    if (!variant || figure.verdict !== 'MISSED') told.push(figure)
    else told.push({ ...figure, profile: [...(variant.phases?.() ?? []), ...(await profiled(variant))] })
  }
  return told
}

/** The figure of a case that there is nothing to run with. */
export function notRun({ id, title, unit = 'ms' }: Case, why: string): Figure {
  const nothing = { stats: undefined, overFloor: undefined, goal: '', asserted: false, profile: [] }
  return { id, title, unit, variant: '-', role: 'ours', ...nothing, verdict: 'not run', error: why }
}

/** What is known of a variant once it was measured. */
export interface Measured extends Pick<Variant, 'name' | 'role' | 'goal' | 'asserted'> {
  readonly samples: readonly number[]
  readonly error: string | undefined
}

/** Puts the figures of one case beside each other and judges them. */
export function figuresOf(about: Pick<Figure, 'id' | 'title' | 'unit'>, measured: readonly Measured[]): Figure[] {
  const stats = new Map<string, Stats>()
  for (const { name, samples, error } of measured) if (error === undefined && samples.length > 0) stats.set(name, statsOf(samples))
  const floor = stats.get(measured.find(({ role }) => role === 'floor')?.name ?? '')
  return measured.map(({ name, role, goal, asserted = false, error }) => {
    const own = stats.get(name)
    const judged = judge(goal, about.unit, own, (other) => stats.get(other))
    return {
      ...about,
      variant: name,
      role,
      stats: own,
      overFloor: own && floor && about.unit === 'ms' ? own.median / floor.median : undefined,
      goal: judged.goal,
      verdict: error === undefined ? judged.verdict : 'FAILED',
      asserted,
      error,
      profile: [],
    }
  })
}
