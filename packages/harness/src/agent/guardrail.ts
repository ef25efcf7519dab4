import type { Item } from '@ringfence/core'

/** What a guardrail found. */
export interface GuardrailResult {
  /** The run ends with `guardrail.tripped`. */
  readonly tripwireTriggered: boolean
  /** What it found, for the details of the error. JSON; never a secret. */
  readonly outputInfo?: unknown
}

/** Looks at the input of a run before its first agent is asked. */
export interface InputGuardrail<Context = unknown> {
  readonly name: string
  execute(args: {
    readonly input: readonly Item[]
    readonly context: Context
    readonly agent: string
    readonly signal: AbortSignal
  }): GuardrailResult | Promise<GuardrailResult>
}

/** Looks at the final output before the run ends with it. */
export interface OutputGuardrail<Context = unknown> {
  readonly name: string
  execute(args: {
    readonly agentOutput: unknown
    readonly context: Context
    readonly agent: string
    readonly signal: AbortSignal
  }): GuardrailResult | Promise<GuardrailResult>
}
