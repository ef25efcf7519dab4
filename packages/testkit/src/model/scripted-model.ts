import {
  isRingfenceError,
  type Model,
  type ModelCall,
  type ModelEvent,
  type ModelRequest,
  type OutputItem,
  RingfenceError,
  type ToolSpec,
  throwIfAborted,
} from '@ringfence/core'
import { callIdOf, piecesOf, type Script, type ScriptedReply, usageOf, writtenArguments } from './script.ts'

/** An answer, or an error that is thrown in its place. */
export type ModelStep = (ScriptedReply & { readonly cutAfter?: number | undefined }) | RingfenceError

export interface ScriptedModelOptions {
  /** Default `scripted`. */
  readonly name?: string | undefined
  /** Default `['function', 'custom']`. */
  readonly toolKinds?: readonly ToolSpec['type'][] | undefined
}

/** A model that answers from a script, and remembers what it was asked. */
export interface ScriptedModel extends Model {
  /** The requests in order, as they were given. */
  readonly requests: readonly ModelRequest[]
  /** The idempotency keys of the requests, in order. */
  readonly idempotencyKeys: readonly string[]
  /** @throws `conformance.failed` when the script has steps that no request has used. */
  assertUsed(): void
}

function itemsOf(reply: ScriptedReply, turn: number): OutputItem[] {
  const items: OutputItem[] = []
  if (reply.reasoning !== undefined) items.push({ type: 'reasoning', id: `rs_${turn}`, summary: [reply.reasoning] })
  if (reply.text !== undefined || reply.refusal !== undefined)
    items.push({
      type: 'message',
      role: 'assistant',
      id: `msg_${turn}`,
      text: reply.text ?? '',
      ...(reply.refusal === undefined ? {} : { refusal: reply.refusal }),
    })
  for (const [index, call] of (reply.toolCalls ?? []).entries())
    items.push({
      type: 'tool_call',
      id: `fc_${turn}_${index}`,
      callId: callIdOf(call, turn, index),
      name: call.name,
      arguments: writtenArguments(call),
      kind: call.kind ?? 'function',
    })
  return items
}

function* deltasOf(reply: ScriptedReply): Generator<ModelEvent> {
  for (const delta of piecesOf(reply.reasoning ?? '')) yield { type: 'reasoning-delta', delta }
  for (const delta of piecesOf(reply.text ?? '')) yield { type: 'text-delta', delta }
}

/**
 * A model without a service. A step with `cutAfter: n` ends after `n` deltas with `model.interrupted`; a
 * `RingfenceError` is thrown as it is. A request after the last step is `model.failed`.
 *
 * @param script answers one after another, or a function of the request and of its number from 0.
 */
export function scriptedModel(script: Script<ModelRequest, ModelStep>, options: ScriptedModelOptions = {}): ScriptedModel {
  const requests: ModelRequest[] = []
  const idempotencyKeys: string[] = []

  const stepOf = async (request: ModelRequest, turn: number): Promise<ModelStep> => {
    if (typeof script === 'function') return script(request, turn)
    const step = script[turn]
    if (step) return step
    throw new RingfenceError('model.failed', `The script has ${script.length} steps, and the model was asked for ${turn + 1} answers`, {
      provider: 'scripted',
      operation: 'model.stream',
      hint: 'Add a step, or look for what asks once more.',
      effect: 'none',
    })
  }

  async function* stream(request: ModelRequest, call: ModelCall): AsyncGenerator<ModelEvent> {
    throwIfAborted(call.signal)
    const turn = requests.length
    requests.push(request)
    idempotencyKeys.push(call.idempotencyKey)
    const step = await stepOf(request, turn)
    if (isRingfenceError(step)) throw step
    if (step.delayMs !== undefined) await call.clock.sleep(step.delayMs, { signal: call.signal })
    let left = step.cutAfter ?? Number.POSITIVE_INFINITY
    for (const delta of deltasOf(step)) {
      throwIfAborted(call.signal)
      if (left-- <= 0) break
      yield delta
    }
    throwIfAborted(call.signal)
    if (step.cutAfter !== undefined)
      throw new RingfenceError('model.interrupted', `The script cuts the answer after ${step.cutAfter} deltas`, {
        provider: 'scripted',
        operation: 'model.stream',
        retry: 'safe',
      })
    const response = { responseId: `resp_${turn}`, items: itemsOf(step, turn), usage: usageOf(step, request.input.length) }
    yield { type: 'completed', response }
  }

  return {
    specificationVersion: 'model-v1',
    provider: 'scripted',
    name: options.name ?? 'scripted',
    toolKinds: options.toolKinds ?? ['function', 'custom'],
    stream,
    requests,
    idempotencyKeys,
    assertUsed() {
      if (typeof script === 'function' || requests.length >= script.length) return
      throw new RingfenceError('conformance.failed', `The script has ${script.length} steps, and ${requests.length} of them were used`, {
        operation: 'scriptedModel.assertUsed',
        hint: 'The run ended earlier than the script expects.',
        effect: 'none',
      })
    },
  }
}
