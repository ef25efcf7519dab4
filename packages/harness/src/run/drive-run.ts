import { RingfenceError, randomId } from '@ringfence/core'
import { auditSinks, runAudit } from '../audit/run-audit.ts'
import { knownSecrets } from '../ingress/known-secrets.ts'
import { openSwept } from '../sweep/sweep-run.ts'
import { assembleDrive, type DriveParts } from './assemble-drive.ts'
import type { Drive } from './drive.ts'
import type { DriveRequest } from './drive-request.ts'
import { closeFailed, type FinishedRun, finishRun } from './finish-run.ts'
import { type Decision, openInterruption } from './interruption.ts'
import { keepLease } from './lease-keeper.ts'
import { leasesOf } from './leases.ts'
import { linkSignal } from './link-signal.ts'
import { checkPins } from './pins.ts'
import { emptyFold, type RunFold } from './run-fold.ts'
import { runLoop } from './run-loop.ts'
import type { RunSetup } from './run-setup.ts'
import { catchUp } from './run-state.ts'

/** Brings a fold to where the journal is, and says with what the run goes on. */
async function readBeginning<Context>({ runId, store, beginning }: DriveRequest<Context>, length: number): Promise<RunFold> {
  if (beginning.kind === 'resume') return catchUp(store, beginning.fold ?? emptyFold(runId))
  if (length === 0) return emptyFold(runId)
  throw new RingfenceError('config.invalid', `There is a run "${runId}" already`, {
    hint: 'Load it and run its state, or give another `runId`.',
    effect: 'none',
    details: { runId },
  })
}

async function stageDecisions<Context>(drive: Drive<Context>, decisions: readonly Decision[]): Promise<void> {
  for (const { interruption, approved, message } of decisions) {
    const { callId, kind, argumentsDigest, name } = openInterruption(drive.fold, interruption)
    await drive.audit('approval', approved ? 'allowed' : 'denied', { callId, kind, tool: name, argumentsDigest })
    const parent = drive.fold.turn?.calls.find((call) => call.callId === callId)?.asked?.recordId
    drive.stage({
      type: 'approval.decision',
      parent,
      body: { callId, kind, argumentsDigest, approved, message: message === undefined ? undefined : drive.ingress.text(message) },
    })
  }
}

/** Stages how the run begins here; it is durable with the first step that follows. */
async function stageBeginning<Context>(
  drive: Drive<Context>,
  request: DriveRequest<Context>,
  setup: RunSetup<Context>,
  holder: string,
): Promise<void> {
  const { beginning, runId } = request
  const { fold } = drive
  if (beginning.kind === 'new') {
    drive.stage({
      type: 'run.start',
      body: { agent: setup.first.name, cwd: setup.cwd ?? null, pins: setup.pins, input: [...drive.ingress.items(beginning.input)] },
    })
    return
  }
  if (fold.pins) checkPins(runId, fold.pins, setup.pins)
  if (fold.isEnded) return
  drive.stage({ type: 'run.takeover', body: { holder, previousEpoch: fold.epoch } })
  await stageDecisions(drive, beginning.decisions)
}

/** Drives a run from its beginning to its end or its pause, as the one process that may. */
export async function driveRun<Context>(request: DriveRequest<Context>): Promise<FinishedRun<Context>> {
  const { runId, store, runner, options, runtime } = request
  const { leaseMs } = leasesOf(runner)
  const holder = `${process.pid}.${randomId(runtime.random, 'drive')}`
  const opened = await openSwept(() => store.open({ runId, holder, leaseMs }), runtime, options.signal)
  const linked = linkSignal(options.signal)
  const stopLease = keepLease({ store, runId, epoch: opened.epoch, leaseMs, runtime, onLost: linked.abort })
  try {
    const fold = await readBeginning(request, opened.length)
    const setup = request.setUp(fold.pins && { cwd: fold.cwd })
    const audit = runAudit(auditSinks(runner.audit), runId, runtime.clock)
    const secrets = await knownSecrets(runner.policy, audit)
    const parts = assembleDrive({ request, setup, fold, secrets, audit, epoch: opened.epoch, signal: linked.signal })
    return await driveOpened(parts, request, setup, holder)
  } finally {
    linked.unlink()
    await stopLease()
    // A lease that cannot be given back runs out by itself; the outcome of the run is not changed by that.
    await store.release(runId, opened.epoch).catch(() => undefined)
  }
}

async function driveOpened<Context>(
  { drive, writer }: DriveParts<Context>,
  request: DriveRequest<Context>,
  setup: RunSetup<Context>,
  holder: string,
): Promise<FinishedRun<Context>> {
  const { session, span, trace, ingress } = drive
  try {
    await stageBeginning(drive, request, setup, holder)
    const finished = await finishRun(drive, drive.fold.isEnded ? 'final' : await runLoop(drive))
    span.end()
    return finished
  } catch (error) {
    await closeFailed(error, session, writer, request.isDurable)
    const shown = drive.signal.aborted && error === drive.signal.reason ? error : ingress.error(error)
    span.end({ message: shown instanceof Error ? shown.message : String(shown) })
    throw shown
  } finally {
    await trace.flush()
  }
}
