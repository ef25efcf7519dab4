/** How far a sandbox is kept apart, weakest first. */
export const ISOLATION_LEVELS = ['none', 'process', 'container', 'gvisor', 'microvm'] as const

export type Isolation = (typeof ISOLATION_LEVELS)[number]

/** Tells whether one isolation is at least as strong as another. */
export function isolatesAtLeast(actual: Isolation, minimum: Isolation): boolean {
  return ISOLATION_LEVELS.indexOf(actual) >= ISOLATION_LEVELS.indexOf(minimum)
}
