import type { JsonObject, Usage } from '@ringfence/core'

/** A call of a tool that the model makes. */
export interface ScriptedToolCall {
  readonly name: string
  /** An object is written as JSON. Default `{}`. */
  readonly arguments?: JsonObject | string | undefined
  /** Default `call_<turn>_<index>`. */
  readonly callId?: string | undefined
  /** Default `function`. */
  readonly kind?: 'function' | 'custom' | undefined
}

/** One answer of a script. What is left out is not in the answer. */
export interface ScriptedReply {
  readonly reasoning?: string | undefined
  readonly text?: string | undefined
  readonly refusal?: string | undefined
  readonly toolCalls?: readonly ScriptedToolCall[] | undefined
  /** What is counted. Default: 10 input tokens an item, one output token a piece of text or call. */
  readonly usage?: Partial<Omit<Usage, 'requests'>> | undefined
  /** Waited before the answer, on the clock, in milliseconds. Default none. */
  readonly delayMs?: number | undefined
}

/** Answers one after another, or a function that decides from the request. `turn` counts from 0. */
export type Script<Request, Reply> = readonly Reply[] | ((request: Request, turn: number) => Reply | Promise<Reply>)

/** Text as it streams: word by word. */
export function piecesOf(text: string): string[] {
  return text.match(/\S+\s*|\s+/g) ?? []
}

/** The arguments as the model writes them. */
export function writtenArguments(call: ScriptedToolCall): string {
  if (typeof call.arguments === 'string') return call.arguments
  return JSON.stringify(call.arguments ?? {})
}

export function callIdOf(call: ScriptedToolCall, turn: number, index: number): string {
  return call.callId ?? `call_${turn}_${index}`
}

export function usageOf(reply: ScriptedReply, inputItems: number): Usage {
  const pieces = piecesOf(reply.text ?? '').length + piecesOf(reply.reasoning ?? '').length + (reply.toolCalls?.length ?? 0)
  return { requests: 1, inputTokens: inputItems * 10, cachedInputTokens: 0, outputTokens: pieces, reasoningTokens: 0, ...reply.usage }
}
