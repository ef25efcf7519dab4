import { isRingfenceError } from '@ringfence/core'
import type { SnapshotRef } from '@ringfence/workspace'
import type { Agent } from '../agent/agent.ts'
import type { StepWriter } from '../journal/writer.ts'
import type { SandboxSession } from '../sandbox/sandbox-session.ts'
import { checkOutput } from './check-guardrails.ts'
import type { Drive } from './drive.ts'
import { finalOutput } from './final-output.ts'
import type { RunFold } from './run-fold.ts'

/** How a drive ended, without an error. */
export interface FinishedRun<Context> {
  readonly status: 'completed' | 'paused'
  readonly fold: RunFold
  readonly lastAgent: Agent<Context, unknown> | undefined
  /** Checked against the form of the last agent; `undefined` while paused. */
  readonly output: unknown
  readonly snapshot: SnapshotRef | undefined
  readonly cleanupError: unknown
}

/** A run that waits holds no connection: its sandbox is saved where it can be, and let go of. */
async function pause<Context>({ fold, session, flush, emit, agents }: Drive<Context>): Promise<FinishedRun<Context>> {
  // The questions first: whatever becomes of the rest, they are asked.
  await flush()
  const snapshot = session.current ? await session.snapshot() : fold.snapshot?.ref
  await session.release()
  await flush()
  emit({ type: 'end', status: 'paused' })
  return { status: 'paused', fold, lastAgent: agents.get(fold.agent)?.agent, output: undefined, snapshot, cleanupError: undefined }
}

/** The end is recorded before the sandbox is ended: who comes after a crash ends it, and nothing is done twice. */
async function complete<Context>(drive: Drive<Context>): Promise<FinishedRun<Context>> {
  const { fold, session, stage, flush, emit, agents } = drive
  const lastAgent = agents.get(fold.agent)?.agent
  const output = lastAgent && finalOutput(lastAgent, fold.history)
  let snapshot = fold.snapshot?.ref
  if (!fold.isEnded) {
    if (lastAgent) {
      await checkOutput(lastAgent, output, drive)
      await drive.hooks.end(lastAgent, output)
    }
    await session.ending()
    snapshot = await session.snapshot()
    stage({ type: 'run.end', body: { status: 'completed' } })
  }
  await flush()
  let cleanupError: unknown
  try {
    await session.destroy()
    await flush()
  } catch (error) {
    cleanupError = error
  }
  emit({ type: 'end', status: 'completed' })
  return { status: 'completed', fold, lastAgent, output, snapshot, cleanupError }
}

/** Ends a drive whose loop came to its end or to a question. */
export function finishRun<Context>(drive: Drive<Context>, how: 'final' | 'paused'): Promise<FinishedRun<Context>> {
  return how === 'paused' ? pause(drive) : complete(drive)
}

/** Closes what a run that ends with an error leaves open. The error that ended it stays the one that is told. */
export async function closeFailed(error: unknown, session: SandboxSession, writer: StepWriter, isDurable: boolean): Promise<void> {
  const isFenced = isRingfenceError(error, 'run.fenced')
  const quietly = async (action: () => Promise<void>): Promise<void> => {
    try {
      await action()
    } catch (second) {
      if (error instanceof Error && error.cause === undefined) error.cause = second
    }
  }
  // A run that nobody can take up leaves nothing; one that somebody can, or has, keeps its sandbox.
  await quietly(() => (isDurable || isFenced ? session.release() : session.destroy()))
  if (!isFenced) await quietly(() => writer.flush())
}
