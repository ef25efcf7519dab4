import {
  type FunctionTool,
  isRingfenceError,
  type JsonObject,
  parseWith,
  type RingfenceError,
  type ToolCall,
  type ToolOutput,
  throwIfAborted,
  type WorkspaceHandle,
} from '@ringfence/core'
import { z } from 'zod'

/** What a tool of a capability is made from. */
export interface ToolDefinition<S extends z.ZodObject> {
  readonly name: string
  readonly description: string
  readonly schema: S
  readonly isIdempotent: boolean
  readonly needsApproval?: FunctionTool['needsApproval']
  invoke(args: z.output<S>, call: ToolCall, workspace: WorkspaceHandle): Promise<ToolOutput>
}

/**
 * A function tool whose failures the model reads as text. What it throws is none of the model's business: the sandbox
 * is gone, the run was fenced, or the call was aborted.
 */
export function defineTool<S extends z.ZodObject>(definition: ToolDefinition<S>): FunctionTool {
  const { name, description, schema, isIdempotent, needsApproval } = definition
  const parse = (args: unknown): z.output<S> => parseWith(schema, withoutNulls(args), `The arguments of ${name}`)
  return {
    type: 'function',
    name,
    description,
    parameters: jsonSchemaOf(schema),
    // Models were trained on these schemas with optional fields, which the strict form of the services does not know.
    strict: false,
    isIdempotent,
    needsApproval,
    throwsErrors: true,
    parse,
    invoke: (args, call) => readable(name, call, (workspace) => definition.invoke(parse(args), call, workspace)),
  }
}

/** Runs the body of a tool and turns what the model can act upon into text. Errors of the start of the sandbox throw. */
export async function readable(
  name: string,
  call: ToolCall,
  body: (workspace: WorkspaceHandle) => Promise<ToolOutput>,
): Promise<ToolOutput> {
  const workspace = await call.workspace()
  try {
    return await body(workspace)
  } catch (error) {
    throwIfAborted(call.signal)
    if (!isForModel(error)) throw error
    return `${name} failed: ${describeError(error)}`
  }
}

/** Whether an error says something that the model can act upon. The others end the run. */
export function isForModel(error: unknown): error is RingfenceError {
  return isRingfenceError(error) && !/^(sandbox|run|journal|audit|internal)\./.test(error.code)
}

/** The message of an error, and what to do about it. */
export function describeError(error: RingfenceError): string {
  const message = /[.!?]$/.test(error.message) ? error.message : `${error.message}.`
  return error.hint ? `${message} ${error.hint}` : message
}

/** Services fill what a model leaves out with null. */
function withoutNulls(args: unknown): unknown {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return args
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null))
}

function jsonSchemaOf(schema: z.ZodObject): JsonObject {
  const { $schema: _, ...parameters }: JsonObject = JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io: 'input' })))
  return parameters
}
