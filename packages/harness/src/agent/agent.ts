import { type Model, type ModelSettings, RingfenceError, type Tool, type ToolCallItem, type ToolOutput, type Usage } from '@ringfence/core'
import type { z } from 'zod'
import { Emitter } from './emitter.ts'
import type { InputGuardrail, OutputGuardrail } from './guardrail.ts'
import type { Handoff } from './handoff.ts'

/** What an app's own functions are told of the run that they serve. */
export interface RunContext<Context = unknown> {
  /** What the app passed to `run` as `context`. */
  readonly context: Context
  readonly usage: Usage
}

/** The system prompt: a text, or a function that is asked before each turn. A function is not pinned by the journal. */
export type Instructions<Context> = string | ((run: RunContext<Context>, agent: Agent<Context, unknown>) => string | Promise<string>)

export interface AgentConfig<Context = unknown, Output = string> {
  /** Finds the agent in a journal; unique among the agents of a run. */
  readonly name: string
  readonly instructions?: Instructions<Context> | undefined
  /** Default: the model of the runner. */
  readonly model?: Model | undefined
  readonly modelSettings?: ModelSettings | undefined
  readonly tools?: readonly Tool<Context>[] | undefined
  /** The form of the final output. Default: text. */
  readonly outputType?: z.ZodType<Output> | undefined
  /** Agents that this one can hand the conversation over to. */
  readonly handoffs?: readonly (Agent<Context, unknown> | Handoff<Context>)[] | undefined
  /** What other agents are told of this one. */
  readonly handoffDescription?: string | undefined
  /** Look at the input of a run that begins with this agent, before the model is asked and before a sandbox starts. */
  readonly inputGuardrails?: readonly InputGuardrail<Context>[] | undefined
  /** Look at the final output when this agent gives it. */
  readonly outputGuardrails?: readonly OutputGuardrail<Context>[] | undefined
}

/**
 * What an agent tells, by the names of `agent.on`; a runner tells the same of all its agents. A run that is taken up tells that its agent
 * starts again.
 */
export interface AgentEvents<Context = unknown> {
  readonly agent_start: readonly [run: RunContext<Context>, agent: AnyAgent]
  /** Its output is the final one, in its form. */
  readonly agent_end: readonly [run: RunContext<Context>, output: unknown]
  readonly agent_handoff: readonly [run: RunContext<Context>, nextAgent: AnyAgent]
  readonly agent_tool_start: readonly [run: RunContext<Context>, tool: Tool<never>, details: ToolCallDetails]
  /** Known secrets are taken out of the result. */
  readonly agent_tool_end: readonly [run: RunContext<Context>, tool: Tool<never>, result: ToolOutput, details: ToolCallDetails]
}

/** An agent, whatever its context and its output. */
export type AnyAgent = Agent<never, unknown>

export interface ToolCallDetails {
  /** As the model asked for it. */
  readonly toolCall: ToolCallItem
}

/** A model with instructions and tools. It holds no state of a run: one agent serves any number of runs at once. */
export class Agent<Context = unknown, Output = string> extends Emitter<AgentEvents<Context>> {
  readonly name: string
  readonly instructions: Instructions<Context>
  readonly model: Model | undefined
  readonly modelSettings: ModelSettings
  readonly tools: readonly Tool<Context>[]
  readonly outputType: z.ZodType<Output> | undefined
  readonly handoffs: readonly (Agent<Context, unknown> | Handoff<Context>)[]
  readonly handoffDescription: string | undefined
  readonly inputGuardrails: readonly InputGuardrail<Context>[]
  readonly outputGuardrails: readonly OutputGuardrail<Context>[]

  /** @throws `config.invalid` without a name. */
  constructor(config: AgentConfig<Context, Output>) {
    super()
    if (config.name.trim() === '')
      throw new RingfenceError('config.invalid', `An agent needs a name, and "${config.name}" is none`, {
        hint: 'The journal finds agents by their names.',
        effect: 'none',
      })
    this.name = config.name
    this.instructions = config.instructions ?? ''
    this.model = config.model
    this.modelSettings = config.modelSettings ?? {}
    this.tools = config.tools ?? []
    this.outputType = config.outputType
    this.handoffs = config.handoffs ?? []
    this.handoffDescription = config.handoffDescription
    this.inputGuardrails = config.inputGuardrails ?? []
    this.outputGuardrails = config.outputGuardrails ?? []
  }
}
