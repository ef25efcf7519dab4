export { type Clock, systemClock } from './clock.ts'
export { type Random, randomId, systemRandom } from './random.ts'
export { type RuntimeContext, systemRuntime } from './runtime-context.ts'
