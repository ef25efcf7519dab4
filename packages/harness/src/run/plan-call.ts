import { digestOf } from '@ringfence/core'
import type { BoundTool } from '../agent/bind-agent.ts'
import { type CallReading, readCall } from '../tool/read-call.ts'
import type { Drive } from './drive.ts'
import type { CallState, InterruptionKind } from './run-fold.ts'

/** What is to be done about a call that has no result yet. */
export type CallPlan<Context> =
  | { readonly kind: 'wait' }
  | { readonly kind: 'ask'; readonly interruption: InterruptionKind }
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'run'; readonly reading: Extract<CallReading<Context>, { kind: 'tool' }> }
  | { readonly kind: 'handoff'; readonly reading: Extract<CallReading<Context>, { kind: 'handoff' }> }

function rejection({ kind, message }: NonNullable<CallState['rejected']>): string {
  const words = message ? `: ${message}` : '.'
  return kind === 'approval'
    ? `A person did not allow this call${words}`
    : `This call was cut in the middle, so that what it did is not known, and a person did not want it to be made again${words}`
}

/**
 * Whether a call that began and did not end can be made again without asking. A tool says so of itself; one of a
 * capability does in the sandbox what can be found again under its ids, as long as that is the same sandbox.
 */
async function canRerun<Context>(
  begun: NonNullable<CallState['begun']>,
  { tool, isCapability }: Extract<CallReading<Context>, { kind: 'tool' }>,
  { session, fold }: Drive<Context>,
): Promise<boolean> {
  if (!tool.isIdempotent) return false
  if (!isCapability) return true
  await session.open()
  const generation = fold.sandbox?.generation ?? 0
  // The first sandbox of a run may have started within the call itself.
  return generation === begun.generation || (begun.generation === 0 && generation === 1)
}

async function needsApproval<Context>({ tool, args }: Extract<CallReading<Context>, { kind: 'tool' }>, context: Context): Promise<boolean> {
  const { needsApproval: rule } = tool
  return typeof rule === 'function' ? rule(args, { context }) : (rule ?? false)
}

/** Decides about one open call, from what the journal says of it. */
export async function planCall<Context>(
  state: CallState,
  tools: ReadonlyMap<string, BoundTool<Context>>,
  drive: Drive<Context>,
): Promise<CallPlan<Context>> {
  if (state.asked) return { kind: 'wait' }
  if (state.rejected) return { kind: 'answer', text: rejection(state.rejected) }
  const reading = readCall(state.item, tools)
  if (reading.kind === 'problem') return { kind: 'answer', text: reading.text }
  if (reading.kind === 'handoff') return { kind: 'handoff', reading }
  if (state.begun && !state.mayRerun && !(await canRerun(state.begun, reading, drive)))
    return { kind: 'ask', interruption: 'unknown-outcome' }
  // What began was approved, or needed no approval.
  if (!state.begun && !state.isApproved && (await needsApproval(reading, drive.context))) return { kind: 'ask', interruption: 'approval' }
  return { kind: 'run', reading }
}

/** What binds an approval to the arguments that were seen. */
export function argumentsDigest({ item }: CallState): string {
  return digestOf({ name: item.name, arguments: item.arguments })
}
