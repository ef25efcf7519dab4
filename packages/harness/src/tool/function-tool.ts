import { type FunctionTool, RingfenceError, type ToolCall } from '@ringfence/core'
import { z } from 'zod'
import { fitsStrict, jsonSchemaOf } from './json-schema.ts'
import { toToolOutput } from './tool-output.ts'

export interface ToolOptions<Schema extends z.ZodType, Context> {
  /** `[a-zA-Z0-9_-]`, at most 64 characters, unique within an agent. */
  readonly name: string
  readonly description: string
  /** The form of the arguments, a `z.object`. */
  readonly parameters: Schema
  /**
   * Does it. Text goes to the model as it is, text and image parts too, anything else as JSON. What it throws becomes
   * a result that the model sees.
   */
  execute(args: z.output<Schema>, call: ToolCall<Context>): unknown
  /** Whether a person must allow a call first. Default false. */
  readonly needsApproval?: boolean | ((args: z.output<Schema>, call: { context: Context }) => boolean | Promise<boolean>) | undefined
  /** Calling it again with the same `idempotencyKey` changes nothing more. Default false. */
  readonly isIdempotent?: boolean | undefined
  /** Whether the model is told of it. Default true. */
  readonly isEnabled?: boolean | ((call: { context: Context }) => boolean | Promise<boolean>) | undefined
  /** After this many milliseconds the call is aborted and the model told. Default: none. */
  readonly timeoutMs?: number | undefined
  /** The service holds the model to the schema. Default: wherever services can, which is when nothing is optional. */
  readonly strict?: boolean | undefined
  /** An error ends the run with `tool.failed`. Default false. */
  readonly throwsErrors?: boolean | undefined
}

const NAME = /^[a-zA-Z0-9_-]{1,64}$/

/** @throws `config.invalid` when a name is none that services take. */
export function checkToolName(name: string): void {
  if (!NAME.test(name))
    throw new RingfenceError('config.invalid', `"${name}" cannot be the name of a tool`, {
      hint: 'Use 1 to 64 letters, digits, "_" and "-".',
      effect: 'none',
    })
}

/**
 * A tool from a function and a zod schema.
 *
 * @throws `config.invalid` when the name is none, or the schema is not that of an object.
 */
export function tool<Schema extends z.ZodType, Context = unknown>(options: ToolOptions<Schema, Context>): FunctionTool<Context> {
  checkToolName(options.name)
  const parameters = jsonSchemaOf(options.parameters)
  if (parameters.type !== 'object')
    throw new RingfenceError('config.invalid', `The parameters of the tool "${options.name}" are not those of an object`, {
      hint: 'Use z.object({ ... }).',
      effect: 'none',
    })
  // Arguments come from `parse` alone, which made them; the contract carries them untyped.
  const typed = (args: unknown): z.output<Schema> => args as z.output<Schema>
  const { needsApproval } = options
  return {
    type: 'function',
    name: options.name,
    description: options.description,
    parameters,
    strict: options.strict ?? fitsStrict(parameters),
    needsApproval: typeof needsApproval === 'function' ? (args, call) => needsApproval(typed(args), call) : needsApproval,
    isIdempotent: options.isIdempotent,
    isEnabled: options.isEnabled,
    timeoutMs: options.timeoutMs,
    throwsErrors: options.throwsErrors,
    parse(args) {
      const parsed = options.parameters.safeParse(args)
      if (parsed.success) return parsed.data
      throw new RingfenceError('config.invalid', z.prettifyError(parsed.error), { effect: 'none' })
    },
    invoke: async (args, call) => toToolOutput(await options.execute(typed(args), call)),
  }
}
