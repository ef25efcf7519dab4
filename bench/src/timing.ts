/** When something was timed, in microseconds of the monotonic clock. */
export interface Interval {
  readonly from: number
  readonly to: number
}

let recording: Interval[] | undefined

const micros = (): number => Number(process.hrtime.bigint() / 1000n)

/** Milliseconds that something takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = micros()
  const start = performance.now()
  await work()
  const ms = performance.now() - start
  recording?.push({ from, to: micros() })
  return ms
}

/** What {@link timed} times while something runs. */
export async function intervalsOf(work: () => Promise<void>): Promise<readonly Interval[]> {
  const intervals: Interval[] = []
  recording = intervals
  try {
    await work()
  } finally {
    recording = undefined
  }
  return intervals
}

/** Refuses a figure of work that was not done. */
export function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`The work of a sample is wrong: ${what}`)
}
