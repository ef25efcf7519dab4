import { RingfenceError } from '@ringfence/core'
import { type InterruptionKind, openCalls, type RunFold } from './run-fold.ts'

/** A call that waits for a person. */
export interface Interruption {
  /**
   * `approval`: the tool needs one. `unknown-outcome`: the call began and its end was never recorded; approving it
   * runs it again.
   */
  readonly kind: InterruptionKind
  readonly runId: string
  /** Minted by the engine, unique in the run. */
  readonly callId: string
  readonly agent: string
  /** The name of the tool. */
  readonly name: string
  /** The arguments as the model wrote them. */
  readonly arguments: string
  /** What a decision is bound to: it holds for these arguments alone. */
  readonly argumentsDigest: string
}

/** A person's word about an interruption. */
export interface Decision {
  readonly interruption: Interruption
  readonly approved: boolean
  readonly message: string | undefined
}

/** The calls that wait for a person, in the order of the calls. */
export function interruptionsOf(fold: RunFold): readonly Interruption[] {
  return openCalls(fold).flatMap(({ callId, item, asked }) => {
    if (!asked) return []
    const { kind, argumentsDigest } = asked
    return [
      {
        kind,
        runId: fold.runId,
        callId,
        agent: fold.turn?.agent ?? fold.agent,
        name: item.name,
        arguments: item.arguments,
        argumentsDigest,
      },
    ]
  })
}

/** The interruption that a decision is about, as it stands. Throws `config.invalid` when it is not open. */
export function openInterruption(fold: RunFold, given: Interruption): Interruption {
  const open = interruptionsOf(fold).find(
    (one) => one.callId === given.callId && one.kind === given.kind && one.argumentsDigest === given.argumentsDigest,
  )
  if (open && given.runId === fold.runId) return open
  throw new RingfenceError(
    'config.invalid',
    `The call "${given.callId}" of "${given.name}" does not wait for a decision in the run "${fold.runId}"`,
    {
      hint: 'Load the run again and take one of its `interruptions`.',
      effect: 'none',
      details: { runId: given.runId, callId: given.callId },
    },
  )
}
