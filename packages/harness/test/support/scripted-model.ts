import {
  type Model,
  type ModelEvent,
  type ModelRequest,
  type ModelResponse,
  NO_USAGE,
  type OutputItem,
  type ToolSpec,
} from '@ringfence/core'

/** One answer: items, or what is done instead. */
export type Answer =
  | readonly OutputItem[]
  | ((request: ModelRequest, signal: AbortSignal | undefined) => readonly OutputItem[] | Promise<readonly OutputItem[]>)

export interface ScriptedModel extends Model {
  /** The requests so far, each with a copy of its input. */
  readonly requests: ModelRequest[]
  readonly keys: string[]
}

export const say = (text: string): OutputItem => ({ type: 'message', role: 'assistant', text })
export const call = (name: string, args: unknown, callId = `call_${name}`): OutputItem => ({
  type: 'tool_call',
  callId,
  name,
  arguments: typeof args === 'string' ? args : JSON.stringify(args),
  kind: 'function',
})

/**
 * Answers the nth turn of a conversation with the nth answer: the turn is told from the history, so that a run that was
 * taken up goes on where it was.
 */
export function scriptedModel(answers: readonly Answer[], toolKinds: readonly ToolSpec['type'][] = ['function']): ScriptedModel {
  const requests: ModelRequest[] = []
  const keys: string[] = []
  return {
    specificationVersion: 'model-v1',
    provider: 'scripted',
    name: 'script-1',
    toolKinds,
    requests,
    keys,
    async *stream(request, { idempotencyKey, signal }): AsyncIterable<ModelEvent> {
      requests.push({ ...request, input: [...request.input] })
      keys.push(idempotencyKey)
      const turn = Number(idempotencyKey.split('.').at(-1))
      const answer = answers[Math.min(turn, answers.length) - 1] ?? []
      const items = typeof answer === 'function' ? await answer(request, signal) : answer
      for (const item of items)
        if (item.type === 'message') for (const delta of item.text.match(/.{1,4}/gs) ?? []) yield { type: 'text-delta', delta }
      const response: ModelResponse = { items, usage: { ...NO_USAGE, requests: 1, inputTokens: 10, outputTokens: 5 } }
      yield { type: 'completed', response }
    },
  }
}
