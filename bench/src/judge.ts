import type { Goal, Unit } from './scenario.ts'
import type { Stats } from './stats.ts'

/** `-`: nothing is asked of it. `?`: what it is measured by is missing. */
export type Verdict = 'met' | 'MISSED' | 'FAILED' | '?' | '-'

/** Holds a figure against its goal, by medians. */
export function judge(
  goal: Goal | undefined,
  unit: Unit,
  own: Stats | undefined,
  find: (variant: string) => Stats | undefined,
): { goal: string; verdict: Verdict } {
  if (!goal) return { goal: '', verdict: '-' }
  if (goal.kind === 'at-most') {
    const text = unit === 'x' ? `x${goal.max}` : `${goal.max} ${unit}`
    return { goal: text, verdict: verdictOf(own?.median, goal.max) }
  }
  const text = `x${goal.max} of ${goal.of.join(', ')}`
  const others = goal.of.flatMap((name) => find(name)?.median ?? [])
  if (others.length === 0) return { goal: text, verdict: '?' }
  return { goal: text, verdict: verdictOf(own?.median, goal.max * Math.min(...others)) }
}

function verdictOf(figure: number | undefined, limit: number): Verdict {
  if (figure === undefined) return '?'
  return figure <= limit ? 'met' : 'MISSED'
}
