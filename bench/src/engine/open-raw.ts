import { type Bench, engineOf } from '../bench.ts'
import { type RawEngine, rawEngine } from './raw-engine.ts'

/** The engine of the run, for as long as the case. */
export function openRaw(bench: Bench): RawEngine {
  const { socketPath, image } = engineOf(bench)
  const engine = rawEngine(socketPath, image)
  bench.defer(async () => engine.close())
  return engine
}

/** A container that runs as long as the case, without a network. */
export async function keepContainer(bench: Bench, engine: RawEngine): Promise<string> {
  const id = await engine.create()
  bench.defer(() => engine.remove(id))
  await engine.start(id)
  return id
}
