import type { JsonObject, ModelEvent, ModelRequest, ModelResponse, Random, RingfenceError, ToolSpec } from '@ringfence/core'
import type { ModelErrors } from './errors.ts'
import type { StreamEvent } from './sse.ts'

/** What reading an answer needs. */
export interface Reading {
  readonly errors: ModelErrors
  readonly random: Random
}

/** One of the two APIs. What it reads counts as one request; the caller adds those that failed. */
export interface Protocol {
  readonly path: string
  readonly toolKinds: readonly ToolSpec['type'][]
  /** The body of the request. @throws `config.invalid` for what this API cannot be asked. */
  body(request: ModelRequest, model: string): object
  /** Deltas, and `completed` last. An answer that was cut ends without it, or throws. */
  read(events: AsyncIterable<StreamEvent>, reading: Reading): AsyncGenerator<ModelEvent>
  /** The answer of a server that does not stream. */
  whole(body: JsonObject, reading: Reading): ModelResponse
  /** Learns from a refusal. True: the next body differs, so that asking again makes sense. */
  adapt(failure: RingfenceError): boolean
}
