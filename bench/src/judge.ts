import type { Goal, Unit } from './scenario.ts'
import type { Stats } from './stats.ts'

/** `-`: nothing is asked of it. `?`: what it is measured by is missing. */
export type Verdict = 'met' | 'MISSED' | 'FAILED' | 'not run' | '?' | '-'

interface Judged {
  readonly goal: string
  readonly verdict: Verdict
}

/** Holds a figure against its goal, by medians where the goal says nothing else. */
export function judge(goal: Goal | undefined, unit: Unit, own: Stats | undefined, find: (variant: string) => Stats | undefined): Judged {
  if (!goal) return { goal: '', verdict: '-' }
  if (goal.kind === 'all') return together(goal.goals.map((one) => judge(one, unit, own, find)))
  if (goal.kind === 'at-most') {
    const text = { x: `x${goal.max}`, count: String(goal.max), ms: `${goal.max} ms`, MB: `${goal.max} MB` }[unit]
    return { goal: text, verdict: verdictOf(own?.median, goal.max) }
  }
  const text = goal.max === 1 ? `ahead of ${goal.of.join(', ')}` : `x${goal.max} of ${goal.of.join(', ')}`
  const others = goal.of.flatMap((name) => find(name)?.[goal.by] ?? [])
  const verdict = others.length === 0 ? '?' : verdictOf(own?.[goal.by], goal.max * Math.min(...others))
  return { goal: goal.by === 'p95' ? 'in p95 too' : text, verdict }
}

function together(judged: readonly Judged[]): Judged {
  const worst = (['MISSED', '?', 'met'] as const).find((verdict) => judged.some((one) => one.verdict === verdict))
  return { goal: judged.map(({ goal }) => goal).join('; '), verdict: worst ?? '-' }
}

function verdictOf(figure: number | undefined, limit: number): Verdict {
  if (figure === undefined) return '?'
  return figure <= limit ? 'met' : 'MISSED'
}
