import type { JsonObject } from '@ringfence/core'
import type { Agent } from './agent.ts'

export interface HandoffOptions {
  /** Default: `transfer_to_` and the name of the agent, in lower case with `_` for what no tool name can hold. */
  readonly toolName?: string | undefined
  /** Default: a sentence with the name and the `handoffDescription` of the agent. */
  readonly toolDescription?: string | undefined
}

/** A way to another agent, as the model is told of it: a tool without arguments. */
export interface Handoff<Context = unknown> {
  readonly type: 'handoff'
  readonly agent: Agent<Context, unknown>
  readonly toolName: string
  readonly toolDescription: string
}

/** The schema of a handoff's arguments: there are none. */
export const HANDOFF_PARAMETERS: JsonObject = { type: 'object', properties: {}, required: [], additionalProperties: false }

/** A handoff with a name or a description of its own. An agent in `handoffs` is the same as `handoff(agent)`. */
export function handoff<Context>(agent: Agent<Context, unknown>, options: HandoffOptions = {}): Handoff<Context> {
  const about = agent.handoffDescription ? ` ${agent.handoffDescription}` : ''
  return {
    type: 'handoff',
    agent,
    toolName: options.toolName ?? `transfer_to_${agent.name.toLowerCase().replace(/[^a-z0-9_-]/g, '_')}`.slice(0, 64),
    toolDescription: options.toolDescription ?? `Hands the conversation over to the agent "${agent.name}".${about}`,
  }
}

/** The handoff of an entry of `handoffs`. */
export function handoffOf<Context>(entry: Agent<Context, unknown> | Handoff<Context>): Handoff<Context> {
  return 'toolName' in entry ? entry : handoff(entry)
}
