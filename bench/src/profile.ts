import { Session } from 'node:inspector/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Phase, Variant } from './scenario.ts'
import { type Interval, intervalsOf } from './timing.ts'

/** Long enough for the sampling, at most so many samples. */
const LONG_ENOUGH_MS = 500
const MOST_SAMPLES = 200
const SHOWN = 6

const repository = fileURLToPath(new URL('../..', import.meta.url))

async function repeated(variant: Variant): Promise<void> {
  const start = performance.now()
  for (let count = 0; count < MOST_SAMPLES && performance.now() - start < LONG_ENOUGH_MS; count += 1) await variant.sample()
}

/**
 * Runs a variant again under the sampling profiler of V8 and tells which functions of this process took the time of one
 * timed piece of work, without what its sample prepares and checks. `(waiting)` is time in which this process had nothing to do: it
 * waited for other processes or the disk.
 */
export async function profiled(variant: Variant): Promise<Phase[]> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 100 })
    await session.post('Profiler.start')
    const intervals = await intervalsOf(() => repeated(variant))
    const { profile } = await session.post('Profiler.stop')
    const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node.callFrame)]))
    const took = new Map<string, number>()
    let at = profile.startTime
    for (const [index, id] of (profile.samples ?? []).entries()) {
      const length = profile.timeDeltas?.[index] ?? 0
      at += length
      if (isTimed(intervals, at)) took.set(names.get(id) ?? '', (took.get(names.get(id) ?? '') ?? 0) + length)
    }
    return [...took]
      .map(([name, micros]) => ({ name, ms: micros / 1000 / intervals.length }))
      .sort((a, b) => b.ms - a.ms)
      .slice(0, SHOWN)
  } finally {
    session.disconnect()
  }
}

function isTimed(intervals: readonly Interval[], at: number): boolean {
  return intervals.some(({ from, to }) => from <= at && at <= to)
}

function nameOf({ functionName, url, lineNumber }: { functionName: string; url: string; lineNumber: number }): string {
  if (functionName === '(idle)') return '(waiting)'
  if (url === '') return functionName
  const path = url.startsWith('file:') ? relative(repository, fileURLToPath(url)) : url
  // TypeScript is run with all of a file on one line.
  return `${functionName || '(anonymous)'} ${path}${lineNumber === 0 ? '' : `:${lineNumber + 1}`}`
}
