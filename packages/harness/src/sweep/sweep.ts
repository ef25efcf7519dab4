import { type JournalStore, type Provider, systemRuntime, throwIfAborted } from '@ringfence/core'
import { auditSinks } from '../audit/run-audit.ts'
import { leasesOf } from '../run/leases.ts'
import type { RunnerOptions } from '../run/run-options.ts'
import { sweepMemory } from './sweep-memory.ts'
import { type KeptReason, type RunToSweep, sweepRun } from './sweep-run.ts'

/** As of the runner whose runs they are. */
export interface SweepOptions extends Pick<RunnerOptions, 'leaseMs' | 'sandboxLifetimeMs' | 'audit' | 'runtime'> {
  /** Whose runs are looked at. */
  readonly journal: JournalStore
  /** Whose sandboxes are ended. */
  readonly sandbox: Provider
  /** Ends the sweep before the next run. */
  readonly signal?: AbortSignal | undefined
}

export interface SweepReport {
  /** Sandboxes that were ended, and whose end is in the journal now. */
  readonly swept: readonly { readonly runId: string; readonly intentId: string }[]
  /** Runs that were left alone, and why. */
  readonly kept: readonly { readonly runId: string; readonly reason: KeptReason }[]
  /** Runs whose journal or sandbox could not be dealt with; the next sweep tries again. */
  readonly failed: readonly { readonly runId: string; readonly error: unknown }[]
}

const DAY_MS = 86_400_000

/**
 * Ends the sandboxes that runs left behind: those of runs that ended, that nobody drives, and whose journal names the sandbox and not its
 * end. It looks for what a journal names, and never at what else a provider holds. Each is ended under the lease of its run, as by any
 * other writer, and audited. Sweeps of one journal in one process go one after the other.
 *
 * @throws `config.invalid`, `journal.failed` when the runs cannot be listed, the reason of the signal.
 */
export function sweep(options: SweepOptions): Promise<SweepReport> {
  return sweepWith(options, async () => undefined)
}

/** As `sweep`, with something to wait for before each journal that is read. */
export async function sweepWith(options: SweepOptions, pause: () => Promise<void>): Promise<SweepReport> {
  const { journal, sandbox: provider, runtime = systemRuntime, signal } = options
  const { leaseMs, sandboxLifetimeMs } = leasesOf(options)
  const common: Omit<RunToSweep, 'runId'> = { journal, provider, leaseMs, sinks: auditSinks(options.audit), runtime }
  const memory = sweepMemory(journal, provider)
  return memory.inTurn(async () => {
    const swept: SweepReport['swept'][number][] = []
    const kept: SweepReport['kept'][number][] = []
    const failed: SweepReport['failed'][number][] = []
    // What it costs: a line of the listing for each run, and of the journals those that were written to since they were last looked at. What
    // nobody wrote to for longer than a sandbox outlives its driver has ended by itself.
    const since = runtime.clock.now() - Math.max(DAY_MS, 2 * sandboxLifetimeMs)
    for await (const { runId, length, updatedAt } of journal.list()) {
      throwIfAborted(signal)
      if (updatedAt < since) {
        memory.forget(runId)
        continue
      }
      const known = memory.recall(runId, length)
      if (!known) await pause()
      try {
        const outcome = known ?? (await sweepRun({ ...common, runId }))
        for (const intentId of outcome.swept) swept.push({ runId, intentId })
        for (const error of outcome.errors) failed.push({ runId, error })
        if (outcome.kept) kept.push({ runId, reason: outcome.kept })
        memory.note(runId, outcome)
      } catch (error) {
        failed.push({ runId, error })
      }
    }
    return { swept, kept, failed }
  })
}
