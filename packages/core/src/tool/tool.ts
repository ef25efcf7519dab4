import type { JsonObject } from '../json/json.ts'
import type { InputPart } from '../model/v1/item.ts'
import type { WorkspaceHandle } from '../workspace/workspace-handle.ts'

/** What a tool is told of the call that it serves. */
export interface ToolCall<Context = unknown> {
  readonly runId: string
  /** Minted by the engine: unique in the run. The model's own id is data and is not here. */
  readonly callId: string
  /** The same for every attempt of this call. Give it to services that know idempotency keys. */
  readonly idempotencyKey: string
  /** Rises when another process takes the run over; a service can refuse a lower one. */
  readonly epoch: number
  readonly signal: AbortSignal
  /** What the app passed to `run` as `context`. It never reaches the model. */
  readonly context: Context
  /** The sandbox of the agent; it starts at the first call. Throws `config.invalid` when the run has none. */
  workspace(): Promise<WorkspaceHandle>
}

/** What the model gets to see: text, or text and images. */
export type ToolOutput = string | readonly InputPart[]

interface ToolBase<Context> {
  /** `[a-zA-Z0-9_-]`, at most 64 characters, unique within an agent. */
  readonly name: string
  readonly description: string
  /** Whether a person must allow the call first. Default false. */
  readonly needsApproval?: boolean | ((args: unknown, call: { context: Context }) => boolean | Promise<boolean>) | undefined
  /** Calling it again with the same key changes nothing more: recovery may do so. Default false. */
  readonly isIdempotent?: boolean | undefined
  /** Whether the model is told of it at all. Default true. */
  readonly isEnabled?: boolean | ((call: { context: Context }) => boolean | Promise<boolean>) | undefined
  /** After this many milliseconds the call is aborted and the model told. Default: none. */
  readonly timeoutMs?: number | undefined
}

/** A tool whose arguments are JSON. */
export interface FunctionTool<Context = unknown> extends ToolBase<Context> {
  readonly type: 'function'
  /** JSON Schema of the arguments. */
  readonly parameters: JsonObject
  /** The service holds the model to the schema. Default true. */
  readonly strict: boolean
  /** Checks the arguments that the model wrote. Throws, and the message goes to the model. */
  parse(args: unknown): unknown
  /** Does it. What it throws becomes a result that the model sees, unless `throwsErrors`. */
  invoke(args: unknown, call: ToolCall<Context>): Promise<ToolOutput>
  /** An error ends the run with `tool.failed`. Default false. */
  readonly throwsErrors?: boolean | undefined
}

/** A tool whose argument is free text, for services that know such tools; others get it as a function of one text. */
export interface CustomTool<Context = unknown> extends ToolBase<Context> {
  readonly type: 'custom'
  readonly grammar?: { readonly syntax: 'lark'; readonly definition: string } | undefined
  /** The name and the description of the one text argument where it becomes a function. */
  readonly argument: { readonly name: string; readonly description: string }
  invoke(text: string, call: ToolCall<Context>): Promise<ToolOutput>
}

export type Tool<Context = unknown> = FunctionTool<Context> | CustomTool<Context>
