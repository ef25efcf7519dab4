import type { JsonObject } from '@ringfence/core'
import type { ServerReply, ServerRequest } from './reply.ts'

/** What an answer is made with. */
export interface AnswerContext {
  readonly request: ServerRequest
  /** The number of the request, from 0; ids are made of it. */
  readonly turn: number
  /** Seconds since 1970. */
  readonly created: number
}

/** One of the two APIs, as a server speaks it. */
export interface WireApi {
  readonly path: string
  /** Understands a body, or refuses it as a real service does. */
  read(body: JsonObject): ServerRequest
  /** The frames of a stream, each a whole event. */
  frames(reply: ServerReply, context: AnswerContext): Iterable<string>
  /** The answer in one piece. */
  whole(reply: ServerReply, context: AnswerContext): JsonObject
}
