import type { JsonObject, ModelRequest } from '@ringfence/core'
import type { ScriptedReply } from '../model/script.ts'

/** How a service fails. */
export type ServerFault =
  /** Answers with this instead, whatever was asked; a text body goes as it is, an object as JSON. */
  | {
      readonly type: 'respond'
      readonly status: number
      readonly body: string | JsonObject
      readonly headers?: Readonly<Record<string, string>> | undefined
    }
  /** Breaks the connection: before the answer, or after so many events of the stream. */
  | { readonly type: 'broken'; readonly afterEvents?: number | undefined }
  /** Ends the stream in good order, but after so many events. */
  | { readonly type: 'ended'; readonly afterEvents: number }
  /** Says nothing more: no answer at all, or none after so many events. It ends with the client or with `close`. */
  | { readonly type: 'silent'; readonly afterEvents?: number | undefined }
  /** The model stops before its proper end. */
  | { readonly type: 'incomplete'; readonly reason: 'max_output_tokens' | 'content_filter' }
  /** The stream tells of a failure at its end. */
  | { readonly type: 'failed'; readonly code: string; readonly message: string }

/** An answer of the server, or a way to fail in it. */
export interface ServerReply extends ScriptedReply {
  readonly fault?: ServerFault | undefined
}

/** A request as the server understood it, the same for both APIs. */
export interface ServerRequest extends ModelRequest {
  readonly api: 'responses' | 'chat-completions'
  readonly model: string
  readonly stream: boolean
  readonly body: JsonObject
}

function errorBody(message: string, type: string, code: string | null): JsonObject {
  return { error: { message, type, param: null, code } }
}

function respond(status: number, body: string | JsonObject, headers?: Readonly<Record<string, string>>): ServerReply {
  return { fault: { type: 'respond', status, body, headers } }
}

/** The usual failures, as replies. */
export const serverFaults = {
  unauthorized: (message = 'Incorrect API key provided.'): ServerReply =>
    respond(401, errorBody(message, 'invalid_request_error', 'invalid_api_key')),
  rateLimited: (headers: Readonly<Record<string, string>> = {}, code = 'rate_limit_exceeded'): ServerReply =>
    respond(429, errorBody('Rate limit reached.', 'requests', code), headers),
  serverError: (headers: Readonly<Record<string, string>> = {}): ServerReply =>
    respond(500, errorBody('The server had an error.', 'server_error', null), headers),
  html: (status = 200): ServerReply =>
    respond(status, '<!DOCTYPE html><html><title>Welcome to nginx</title></html>', { 'content-type': 'text/html' }),
  redirect: (location: string): ServerReply => respond(307, '', { location }),
  broken: (afterEvents?: number, reply: ScriptedReply = {}): ServerReply => ({ ...reply, fault: { type: 'broken', afterEvents } }),
  ended: (afterEvents: number, reply: ScriptedReply = {}): ServerReply => ({ ...reply, fault: { type: 'ended', afterEvents } }),
  silent: (afterEvents?: number, reply: ScriptedReply = {}): ServerReply => ({ ...reply, fault: { type: 'silent', afterEvents } }),
} as const
