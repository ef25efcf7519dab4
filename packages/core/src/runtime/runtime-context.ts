import { type Clock, systemClock } from './clock.ts'
import { type Random, systemRandom } from './random.ts'

/** What reaches providers and stores instead of bare clocks, timers and randomness. */
export interface RuntimeContext {
  readonly clock: Clock
  readonly random: Random
}

/** The clock and the randomness of the machine. */
export const systemRuntime: RuntimeContext = { clock: systemClock, random: systemRandom }
