import {
  type Capability,
  type CapabilityBinding,
  digestOf,
  type Manifest,
  type Model,
  type OutputSchema,
  RingfenceError,
  type Tool,
  type ToolSpec,
} from '@ringfence/core'
import type { Pins } from '../journal/step.ts'
import { checkToolName } from '../tool/function-tool.ts'
import { jsonSchemaOf } from '../tool/json-schema.ts'
import { toolSpec } from '../tool/tool-spec.ts'
import type { Agent, RunContext } from './agent.ts'
import { HANDOFF_PARAMETERS, type Handoff, handoffOf } from './handoff.ts'
import { SandboxAgent } from './sandbox-agent.ts'
import { sandboxPrompt } from './system-prompt.ts'

/** A tool as the loop sees it. */
export type BoundTool<Context> =
  | {
      readonly kind: 'tool'
      readonly tool: Tool<Context>
      /** It is of a capability: what it does, it does in the sandbox, under ids by which it can be found again. */
      readonly isCapability: boolean
    }
  | { readonly kind: 'handoff'; readonly handoff: Handoff<Context> }

/** An agent as one run uses it. */
export interface BoundAgent<Context> {
  readonly agent: Agent<Context, unknown>
  readonly model: Model
  /** By name, in the order in which the model is told of them. */
  readonly tools: ReadonlyMap<string, BoundTool<Context>>
  readonly output: OutputSchema | undefined
  /** Where its commands begin and as whom, when it has a sandbox. */
  readonly sandbox: { readonly cwd: string; readonly runAs: string | undefined } | undefined
  instructions(run: RunContext<Context>): Promise<string>
  spec(name: string): ToolSpec
}

export interface BindOptions {
  readonly model: Model | undefined
  /** Of all agents of the run. */
  readonly manifest: Manifest
  /** The `cwd` of the run, which goes before that of the agent. */
  readonly cwd: string | undefined
  readonly hasPty: boolean
}

function refuse(message: string, hint: string): never {
  throw new RingfenceError('config.invalid', message, { hint, effect: 'none' })
}

/** An agent and all that it can hand over to. Throws `config.invalid` when two have one name. */
export function reachableAgents<Context>(first: Agent<Context, unknown>): readonly Agent<Context, unknown>[] {
  const found = new Map<string, Agent<Context, unknown>>()
  const visit = (agent: Agent<Context, unknown>): void => {
    const other = found.get(agent.name)
    if (other === agent) return
    if (other) refuse(`Two agents have the name "${agent.name}"`, 'The journal finds agents by their names: rename one.')
    found.set(agent.name, agent)
    for (const entry of agent.handoffs) visit(handoffOf(entry).agent)
  }
  visit(first)
  return [...found.values()]
}

/** The capabilities of an agent. Throws `config.invalid` when two have one name. */
export function capabilitiesOf(agent: Agent<never, unknown>): readonly Capability[] {
  if (!(agent instanceof SandboxAgent)) return []
  const names = new Set<string>()
  for (const { name } of agent.capabilities) {
    if (names.has(name)) refuse(`The agent "${agent.name}" has two capabilities "${name}"`, 'Keep one of them.')
    names.add(name)
  }
  return agent.capabilities
}

function collectTools<Context>(agent: Agent<Context, unknown>, binding: CapabilityBinding): Map<string, BoundTool<Context>> {
  const tools = new Map<string, BoundTool<Context>>()
  const add = (name: string, bound: BoundTool<Context>): void => {
    checkToolName(name)
    if (tools.has(name)) refuse(`The agent "${agent.name}" has two tools "${name}"`, 'Rename one of them.')
    tools.set(name, bound)
  }
  for (const tool of agent.tools) add(tool.name, { kind: 'tool', tool, isCapability: false })
  for (const capability of capabilitiesOf(agent))
    for (const tool of capability.tools?.(binding) ?? []) add(tool.name, { kind: 'tool', tool, isCapability: true })
  for (const entry of agent.handoffs) {
    const made = handoffOf(entry)
    add(made.toolName, { kind: 'handoff', handoff: made })
  }
  return tools
}

function specOf<Context>(bound: BoundTool<Context>, model: Model): ToolSpec {
  if (bound.kind === 'tool') return toolSpec(bound.tool, model.toolKinds)
  const { toolName, toolDescription } = bound.handoff
  return { type: 'function', name: toolName, description: toolDescription, parameters: HANDOFF_PARAMETERS, strict: true }
}

/** Puts together what one run needs of an agent. Throws `config.invalid`. */
export function bindAgent<Context>(
  agent: Agent<Context, unknown>,
  { model: fallback, manifest, cwd, hasPty }: BindOptions,
): BoundAgent<Context> {
  const model = agent.model ?? fallback
  if (!model) refuse(`The agent "${agent.name}" has no model, nor has the runner`, 'Give one of them a `model`; there is no default.')
  if (model.specificationVersion !== 'model-v1')
    throw new RingfenceError(
      'spec.version-unsupported',
      `The model speaks "${String(model.specificationVersion)}"; this release understands "model-v1"`,
      {
        hint: 'Install matching versions of the model and of Ringfence.',
        effect: 'none',
      },
    )
  const sandbox = agent instanceof SandboxAgent ? { cwd: cwd ?? agent.cwd ?? '', runAs: agent.runAs } : undefined
  const binding: CapabilityBinding = { agent: agent.name, cwd: sandbox?.cwd ?? '', hasPty }
  const tools = collectTools(agent, binding)
  const paragraphs = capabilitiesOf(agent).flatMap((capability) => capability.instructions?.(binding) ?? [])
  const around = sandbox ? sandboxPrompt({ capabilities: paragraphs, manifest, cwd: sandbox.cwd }) : (own: string): string => own
  const fixed = typeof agent.instructions === 'string' ? around(agent.instructions) : undefined
  const specs = new Map([...tools].map(([name, bound]) => [name, specOf(bound, model)]))
  const schema = agent.outputType && jsonSchemaOf(agent.outputType)
  return {
    agent,
    model,
    tools,
    sandbox,
    output: schema && { name: 'final_output', schema, strict: true },
    async instructions(run) {
      if (fixed !== undefined || typeof agent.instructions === 'string') return fixed ?? ''
      return around(await agent.instructions(run, agent))
    },
    spec: (name) => specs.get(name) ?? refuse(`There is no tool "${name}"`, 'Name a tool of the agent.'),
  }
}

/** The digests that a journal pins of an agent: a resume with others is refused. */
export function pinsOf<Context>({ agent, tools, output }: BoundAgent<Context>): Pins['agents'][string] {
  const described = [...tools].map(([name, bound]) => {
    // As functions: another model of the same run may take other kinds.
    if (bound.kind === 'handoff') return { name, to: bound.handoff.agent.name }
    const { tool } = bound
    const schema = tool.type === 'function' ? tool.parameters : tool.argument
    return { name, type: tool.type, schema, isIdempotent: tool.isIdempotent ?? false }
  })
  return {
    instructions: typeof agent.instructions === 'string' ? digestOf(agent.instructions) : null,
    tools: digestOf(described),
    output: output ? digestOf(output.schema) : null,
  }
}
