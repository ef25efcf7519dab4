import { type AuditSink, isRingfenceError, type JournalStore, type Provider, type RuntimeContext, randomId } from '@ringfence/core'
import { runAudit } from '../audit/run-audit.ts'
import { stepWriter } from '../journal/writer.ts'
import { keepLease } from '../run/lease-keeper.ts'
import { endSandbox } from '../sandbox/end-sandbox.ts'
import { type OwedSandbox, readLedger, type SandboxLedger } from './sandbox-ledger.ts'

/**
 * `driven`: a process has the run. `unended`: it can be taken up. `not-found`: it has ended, and the sandbox that it left has too, or will
 * with its lifetime.
 */
export type KeptReason = 'driven' | 'unended' | 'not-found'

export interface RunToSweep {
  readonly runId: string
  readonly journal: JournalStore
  readonly provider: Provider
  readonly leaseMs: number
  readonly sinks: readonly AuditSink[]
  readonly runtime: RuntimeContext
}

/** What was done about one run. */
export interface SweptRun {
  /** The intents whose sandboxes were ended. */
  readonly swept: readonly string[]
  readonly kept?: KeptReason | undefined
  readonly errors: readonly unknown[]
  /** The records that this is about; left out when it may be otherwise with the same records. */
  readonly length?: number | undefined
}

const HOLDER = 'sweep.'
/** How often one that waits for a sweep looks, in milliseconds. */
const LOOK_MS = 100
const DRIVEN: SweptRun = { swept: [], kept: 'driven', errors: [] }

const owedTo = ({ profile }: Provider, { owed }: SandboxLedger): readonly OwedSandbox[] =>
  owed.filter(({ provider }) => provider === profile.name)

/**
 * Ends what one run left, when it has ended and nobody drives it.
 *
 * @throws what the journal throws; what goes wrong with a sandbox is among the errors.
 */
export async function sweepRun(run: RunToSweep): Promise<SweptRun> {
  const { runId, journal, provider, leaseMs, runtime } = run
  if (await journal.lease(runId)) return DRIVEN
  const ledger = await readLedger(journal, runId)
  const { length } = ledger
  if (!ledger.isEnded) return { swept: [], kept: 'unended', errors: [], length }
  if (owedTo(provider, ledger).length === 0) return { swept: [], errors: [], length }
  let epoch: number
  try {
    const holder = `${HOLDER}${process.pid}.${randomId(runtime.random, 'sweep', 8)}`
    epoch = (await journal.open({ runId, holder, leaseMs })).epoch
  } catch (error) {
    if (isRingfenceError(error, 'run.busy')) return DRIVEN
    throw error
  }
  // One that loses the lease goes on: the run has ended, whoever has it now. What it then writes is refused.
  const stopLease = keepLease({ store: journal, runId, epoch, leaseMs, runtime, onLost: () => undefined })
  try {
    return await endOwed(run, epoch)
  } finally {
    await stopLease()
    // A lease that cannot be given back runs out by itself.
    await journal.release(runId, epoch).catch(() => undefined)
  }
}

/** Ends the sandboxes of a run whose lease this process holds, and writes it down. */
async function endOwed({ runId, journal, provider, sinks, runtime }: RunToSweep, epoch: number): Promise<SweptRun> {
  // Anew: another may have ended them before the lease was this one's.
  const ledger = await readLedger(journal, runId)
  const { lastHash } = ledger
  let { length } = ledger
  const audit = runAudit(sinks, runId, runtime.clock)
  const writer = stepWriter({
    store: journal,
    runId,
    epoch,
    runtime,
    length,
    lastHash,
    onStaged: () => {
      length += 1
    },
    onDurable: () => undefined,
  })
  const swept: string[] = []
  const errors: unknown[] = []
  const owed = owedTo(provider, ledger)
  for (const { generation, intentId, installation, state } of owed) {
    try {
      const how = await endSandbox({ provider, ref: { installation, runId, intentId }, state, audit, runtime })
      if (how === 'not-found') continue
      writer.stage({ type: 'sandbox.release', body: { generation, destroyed: true } })
      await writer.flush()
      swept.push(intentId)
    } catch (error) {
      errors.push(error)
    }
  }
  return { swept, kept: swept.length + errors.length < owed.length ? 'not-found' : undefined, errors, length }
}

/** Waits out a sweep, which holds a run for as long as it takes to end a sandbox. Throws what else keeps the run from being opened. */
export async function openSwept<T>(open: () => Promise<T>, { clock }: RuntimeContext, signal: AbortSignal | undefined): Promise<T> {
  for (;;) {
    try {
      return await open()
    } catch (error) {
      const holder = isRingfenceError(error, 'run.busy') ? error.details.holder : undefined
      if (typeof holder !== 'string' || !holder.startsWith(HOLDER)) throw error
      await clock.sleep(LOOK_MS, { signal })
    }
  }
}
