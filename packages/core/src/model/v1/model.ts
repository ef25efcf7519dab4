import type { JsonObject } from '../../json/json.ts'
import type { RuntimeContext } from '../../runtime/runtime-context.ts'
import type { Item, OutputItem } from './item.ts'

/** A tool as the model is told of it. */
export type ToolSpec =
  | {
      readonly type: 'function'
      readonly name: string
      readonly description: string
      /** JSON Schema of the arguments. */
      readonly parameters: JsonObject
      readonly strict: boolean
    }
  /** A tool whose argument is free text, in a grammar where the service knows one. */
  | {
      readonly type: 'custom'
      readonly name: string
      readonly description: string
      readonly grammar?: { readonly syntax: 'lark'; readonly definition: string } | undefined
    }

/** By their usual names. What a service does not know is left out. */
export interface ModelSettings {
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly maxTokens?: number | undefined
  /** `auto`, `required`, `none`, or the name of a tool. */
  readonly toolChoice?: string | undefined
  readonly parallelToolCalls?: boolean | undefined
  readonly reasoning?: { readonly effort?: 'minimal' | 'low' | 'medium' | 'high' | undefined } | undefined
}

/** The form that the final answer must have. */
export interface OutputSchema {
  readonly name: string
  readonly schema: JsonObject
  readonly strict: boolean
}

export interface ModelRequest {
  readonly instructions: string
  readonly input: readonly Item[]
  readonly tools: readonly ToolSpec[]
  readonly output?: OutputSchema | undefined
  readonly settings: ModelSettings
}

export interface Usage {
  /** Requests that were made, also those that failed in the middle. */
  readonly requests: number
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
}

export interface ModelResponse {
  readonly responseId?: string | undefined
  readonly items: readonly OutputItem[]
  readonly usage: Usage
}

export type ModelEvent =
  | { readonly type: 'text-delta'; readonly delta: string }
  | { readonly type: 'reasoning-delta'; readonly delta: string }
  /** The last one. A stream that ends without it is `model.interrupted`. */
  | { readonly type: 'completed'; readonly response: ModelResponse }

export interface ModelCall extends RuntimeContext {
  readonly signal?: AbortSignal | undefined
  /** The same for each attempt of one request. */
  readonly idempotencyKey: string
}

/** A language model behind a service. */
export interface Model {
  readonly specificationVersion: 'model-v1'
  /** The service, by its id. */
  readonly provider: string
  /** The name that the service knows the model by. */
  readonly name: string
  /** Which kinds of tools it can be given. Default: functions alone. */
  readonly toolKinds: readonly ToolSpec['type'][]
  /**
   * Asks once and streams the answer. Retries that cannot double a side effect are the model's own.
   *
   * @throws `auth.missing`, `auth.denied`, `model.failed`, `model.rate-limited`, `model.interrupted`,
   *   `model.invalid-response`, `config.invalid`; the reason of the signal.
   */
  stream(request: ModelRequest, call: ModelCall): AsyncIterable<ModelEvent>
}
