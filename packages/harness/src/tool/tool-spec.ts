import type { CustomTool, JsonObject, Tool, ToolSpec } from '@ringfence/core'

/** The schema of a custom tool where it is a function of one text. */
function customParameters({ argument }: CustomTool<never>): JsonObject {
  return {
    type: 'object',
    properties: { [argument.name]: { type: 'string', description: argument.description } },
    required: [argument.name],
    additionalProperties: false,
  }
}

/** A tool as a model is told of it. Custom tools become functions where the model takes no custom ones. */
export function toolSpec(tool: Tool<never>, kinds: readonly ToolSpec['type'][]): ToolSpec {
  const { name, description } = tool
  if (tool.type === 'function') return { type: 'function', name, description, parameters: tool.parameters, strict: tool.strict }
  if (kinds.includes('custom')) return { type: 'custom', name, description, grammar: tool.grammar }
  return { type: 'function', name, description, parameters: customParameters(tool), strict: true }
}
