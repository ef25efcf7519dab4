import type { Policy, Provider } from '@ringfence/core'
import type { KnownFailures } from './run-suite.ts'

/** A provider with some options, under a title: what `ringfence conformance` runs the suite of providers on. */
export interface ConformanceSubject {
  /** Unique in its file. */
  readonly title: string
  /** Makes the provider. Called after `start`, so that it may use what that has started. */
  readonly provider: () => Provider
  /** The strictest policy that its sandboxes fulfil. Default: isolation `process`, no network. */
  readonly policy?: Policy | undefined
  /** Requirements that are known to fail, by id with the reason: they run too, and must fail. */
  readonly knownFailures?: KnownFailures | undefined
  /** Why it cannot run here, and the line that mends it: `runsc is not installed: apt-get install runsc`. Left out: it can. */
  readonly notRun?: string | undefined
}

/** The subjects of a provider, and what they need around them. */
export interface Conformance {
  readonly subjects: readonly ConformanceSubject[]
  /** Starts what the subjects need, once for all of them; not called when none of them runs. */
  readonly start?: (() => Promise<void>) | undefined
  /** Ends it. Called after `start` however that and the subjects ended. */
  readonly stop?: (() => Promise<void>) | undefined
}

export interface ConformanceContext {
  /** Whether the hosted service itself is asked for (`--live`), with credentials of the environment, instead of an emulator. */
  readonly live: boolean
}

/** What the file `conformance.ts` beside the package.json of a provider exports by default. One without a function has nothing live. */
export type ConformanceFile = Conformance | ((context: ConformanceContext) => Conformance | Promise<Conformance>)

/** Gives the default export of `conformance.ts` its type. */
export function defineConformance(file: ConformanceFile): ConformanceFile {
  return file
}
