import { type RuntimeContext, systemClock, systemRandom } from '@ringfence/core'

/** The runtime of the machine, with wall time that can be moved on: leases of the dead run out at once. */
export function skewedRuntime(): RuntimeContext & { skip(ms: number): void } {
  let skew = 0
  return {
    clock: { ...systemClock, now: () => systemClock.now() + skew },
    random: systemRandom,
    skip(ms) {
      skew += ms
    },
  }
}
