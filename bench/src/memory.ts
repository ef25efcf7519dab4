import { fileURLToPath } from 'node:url'
import type { BenchSettings } from './bench.ts'
import { runRaw } from './floors/run-raw.ts'
import { type Figure, figuresOf, type Measured, messageOf } from './measure.ts'
import { atMost, type Case } from './scenario.ts'

const CHILD = fileURLToPath(new URL('./child/peak-memory.ts', import.meta.url))

async function growthOf({ quick, folder, signal, engine }: BenchSettings, { id, title }: Case, variant: string): Promise<number> {
  signal.throwIfAborted()
  const chunks: Buffer[] = []
  const flags = ['--import', 'tsx', '--conditions=@ringfence/source', '--expose-gc']
  await runRaw([process.execPath, ...flags, CHILD, id, title, variant, JSON.stringify({ quick, folder, engine })], {
    onOutput: (bytes) => void chunks.push(bytes),
  })
  return Number(Buffer.concat(chunks).toString().trim())
}

/** How far the memory of this process grows, by its highest point, in MB. Each sample is a process of its own. */
export async function measureMemory(
  settings: BenchSettings,
  given: Case,
  variants: readonly Pick<Measured, 'name' | 'role'>[],
): Promise<Figure[]> {
  const { memory } = given
  if (!memory) return []
  const rounds = settings.quick ? 1 : 3
  const series = variants.map(({ name, role }) => ({ name, role, samples: [] as number[], error: undefined as string | undefined }))
  for (let round = 0; round < rounds; round += 1) {
    for (const one of series) {
      if (one.error !== undefined) continue
      try {
        one.samples.push(await growthOf(settings, given, one.name))
      } catch (error) {
        settings.signal.throwIfAborted()
        one.error = messageOf(error)
      }
    }
  }
  const measured = series.map(
    (one): Measured => ({ ...one, goal: one.role === 'ours' ? atMost(memory.maxMb) : undefined, asserted: false }),
  )
  return figuresOf({ id: given.id, title: `${given.title}: growth of RSS`, unit: 'MB' }, measured)
}
