import type { Tool, ToolCallItem, ToolOutput } from '@ringfence/core'
import type { Agent, AnyAgent, RunContext, ToolCallDetails } from '../agent/agent.ts'
import { type Emitter, emit } from '../agent/emitter.ts'
import type { Drive } from './drive.ts'
import { usageOf } from './run-fold.ts'

/** What a runner tells of all its agents, by the names of `runner.on`. */
export interface RunnerEvents {
  readonly agent_start: readonly [run: RunContext, agent: AnyAgent]
  readonly agent_end: readonly [run: RunContext, agent: AnyAgent, output: unknown]
  readonly agent_handoff: readonly [run: RunContext, fromAgent: AnyAgent, toAgent: AnyAgent]
  readonly agent_tool_start: readonly [run: RunContext, agent: AnyAgent, tool: Tool<never>, details: ToolCallDetails]
  readonly agent_tool_end: readonly [run: RunContext, agent: AnyAgent, tool: Tool<never>, result: ToolOutput, details: ToolCallDetails]
}

/** Tells what happens in a run to those who listen at its agents, then to those at its runner. */
export interface Hooks<Context> {
  start(agent: Agent<Context, unknown>): Promise<void>
  end(agent: Agent<Context, unknown>, output: unknown): Promise<void>
  handoff(from: Agent<Context, unknown>, to: Agent<Context, unknown>): Promise<void>
  toolStart(agent: Agent<Context, unknown>, tool: Tool<Context>, toolCall: ToolCallItem): Promise<void>
  toolEnd(agent: Agent<Context, unknown>, tool: Tool<Context>, result: ToolOutput, toolCall: ToolCallItem): Promise<void>
}

export function runHooks<Context>(
  runner: Emitter<RunnerEvents>,
  { context, fold }: Pick<Drive<Context>, 'context' | 'fold'>,
): Hooks<Context> {
  const run = (): RunContext<Context> => ({ context, usage: usageOf(fold) })
  return {
    async start(agent) {
      await emit(agent, 'agent_start', run(), agent)
      await emit(runner, 'agent_start', run(), agent)
    },
    async end(agent, output) {
      await emit(agent, 'agent_end', run(), output)
      await emit(runner, 'agent_end', run(), agent, output)
    },
    async handoff(from, to) {
      await emit(from, 'agent_handoff', run(), to)
      await emit(runner, 'agent_handoff', run(), from, to)
    },
    async toolStart(agent, tool, toolCall) {
      await emit(agent, 'agent_tool_start', run(), tool, { toolCall })
      await emit(runner, 'agent_tool_start', run(), agent, tool, { toolCall })
    },
    async toolEnd(agent, tool, result, toolCall) {
      await emit(agent, 'agent_tool_end', run(), tool, result, { toolCall })
      await emit(runner, 'agent_tool_end', run(), agent, tool, result, { toolCall })
    },
  }
}
