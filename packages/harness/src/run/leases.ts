import { RingfenceError } from '@ringfence/core'
import type { RunnerOptions } from './run-options.ts'

/** How long what a driver holds outlives it, in milliseconds. */
export interface Leases {
  /** Its hold on the journal. */
  readonly leaseMs: number
  /** The sandbox of its run. */
  readonly sandboxLifetimeMs: number
}

const DEFAULTS: Leases = { leaseMs: 30_000, sandboxLifetimeMs: 120_000 }
/** A lease is renewed three times as it runs: a shorter one would be lost to a busy machine. */
const LEAST_MS = 1000

function refuse(name: keyof Leases, value: number, hint: string): never {
  throw new RingfenceError('config.invalid', `\`${name}\` is "${value}"`, { hint, effect: 'none' })
}

/** The two leases of a runner, with their defaults and checked. Throws `config.invalid`. */
export function leasesOf({
  leaseMs = DEFAULTS.leaseMs,
  sandboxLifetimeMs = Math.max(DEFAULTS.sandboxLifetimeMs, leaseMs),
}: Pick<RunnerOptions, keyof Leases>): Leases {
  if (!Number.isFinite(leaseMs) || leaseMs < LEAST_MS) refuse('leaseMs', leaseMs, `Give ${LEAST_MS} milliseconds or more.`)
  // Whoever takes a run up has to wait for the lease, and would find no sandbox.
  if (!Number.isFinite(sandboxLifetimeMs) || sandboxLifetimeMs < leaseMs)
    refuse('sandboxLifetimeMs', sandboxLifetimeMs, `Give no less than the ${leaseMs} milliseconds of \`leaseMs\`.`)
  return { leaseMs, sandboxLifetimeMs }
}
