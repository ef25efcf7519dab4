import type { JsonValue } from '../../json/json.ts'

export type InputPart =
  | { readonly type: 'text'; readonly text: string }
  /** An image as base64 bytes with its media type, such as `image/png`. */
  | { readonly type: 'image'; readonly mediaType: string; readonly data: string }

/** What a user says. */
export interface UserMessageItem {
  readonly type: 'message'
  readonly role: 'user'
  readonly content: readonly InputPart[]
}

/** What the model says. `id` is the service's own, kept so that it can be sent back. */
export interface AssistantMessageItem {
  readonly type: 'message'
  readonly role: 'assistant'
  readonly id?: string | undefined
  readonly text: string
  /** The model refused to answer, and this is what it said. */
  readonly refusal?: string | undefined
  /** What the message is for, where the service says so; sent back, since the model works worse without it. */
  readonly phase?: 'commentary' | 'final_answer' | undefined
}

/** Reasoning of the model, opaque: it is kept and sent back as it came. */
export interface ReasoningItem {
  readonly type: 'reasoning'
  readonly id?: string | undefined
  readonly summary: readonly string[]
  /** The item of the service as it came, such as encrypted content. */
  readonly raw?: JsonValue | undefined
}

/** A call of a tool. `callId` is the model's own and is data: it need not be unique. */
export interface ToolCallItem {
  readonly type: 'tool_call'
  readonly id?: string | undefined
  readonly callId: string
  readonly name: string
  /** The arguments as the model wrote them: JSON text for a function tool, free text for a custom one. */
  readonly arguments: string
  readonly kind: 'function' | 'custom'
}

export interface ToolResultItem {
  readonly type: 'tool_result'
  readonly callId: string
  readonly kind: 'function' | 'custom'
  readonly output: string | readonly InputPart[]
}

/** One entry of a conversation. */
export type Item = UserMessageItem | AssistantMessageItem | ReasoningItem | ToolCallItem | ToolResultItem

/** What a model can answer with. */
export type OutputItem = AssistantMessageItem | ReasoningItem | ToolCallItem
