import type { JsonObject, JsonValue, ModelSettings, OutputSchema, ToolSpec } from '@ringfence/core'
import { checkSchema } from './check-schema.ts'
import { isObject, listAt, numberAt, objectAt, textAt } from './fields.ts'
import { refuse } from './wire-problem.ts'

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/
const EFFORTS = ['minimal', 'low', 'medium', 'high'] as const

function nameAt(value: JsonValue | undefined, param: string): string {
  const name = textAt(value, param)
  if (!TOOL_NAME.test(name))
    refuse(`Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`, {
      param,
      code: 'invalid_value',
    })
  return name
}

/** A function tool; its members stand in the tool for Responses, and in `function` for Chat Completions. */
export function functionTool(members: JsonObject, param: string, strictByDefault: boolean): ToolSpec {
  const name = nameAt(members.name, `${param}.name`)
  const parameters =
    members.parameters === undefined ? { type: 'object', properties: {} } : objectAt(members.parameters, `${param}.parameters`)
  const strict = typeof members.strict === 'boolean' ? members.strict : strictByDefault
  checkSchema(parameters, strict, `function '${name}'`, `${param}.parameters`)
  const description = members.description === undefined ? '' : textAt(members.description, `${param}.description`)
  return { type: 'function', name, description, parameters, strict }
}

export function customTool(members: JsonObject, param: string): ToolSpec {
  const name = nameAt(members.name, `${param}.name`)
  const description = members.description === undefined ? '' : textAt(members.description, `${param}.description`)
  if (members.format === undefined) return { type: 'custom', name, description }
  const format = objectAt(members.format, `${param}.format`)
  if (format.type === 'text') return { type: 'custom', name, description }
  if (format.type !== 'grammar' || format.syntax !== 'lark')
    refuse(`Invalid '${param}.format': a grammar in 'lark' is what this server knows.`, { param: `${param}.format`, code: 'invalid_value' })
  return {
    type: 'custom',
    name,
    description,
    grammar: { syntax: 'lark', definition: textAt(format.definition, `${param}.format.definition`) },
  }
}

/** Reads the tools with the reader of the API, and refuses two of one name. */
export function toolsOf(value: JsonValue | undefined, read: (tool: JsonObject, param: string) => ToolSpec): ToolSpec[] {
  if (value === undefined || value === null) return []
  const tools = listAt(value, 'tools').map((tool, index) => read(objectAt(tool, `tools[${index}]`), `tools[${index}]`))
  for (const [index, tool] of tools.entries())
    if (tools.findIndex((one) => one.name === tool.name) !== index)
      refuse(`Tool names must be unique: '${tool.name}' is given twice.`, { param: `tools[${index}].name` })
  return tools
}

export function unknownToolType(tool: JsonObject, param: string, known: string): never {
  return refuse(`Invalid value: '${String(tool.type)}'. Supported values are: ${known}.`, { param: `${param}.type`, code: 'invalid_value' })
}

/** The settings that both APIs have, under the names of each. */
export function settingsOf(
  body: JsonObject,
  tools: readonly ToolSpec[],
  maxTokensKey: string,
  effort: JsonValue | undefined,
): ModelSettings {
  if (tools.length === 0)
    for (const key of ['tool_choice', 'parallel_tool_calls'])
      if (body[key] !== undefined && body[key] !== 'none' && body[key] !== 'auto')
        refuse(`Invalid value for '${key}': '${key}' is only allowed when 'tools' are specified.`, { param: key })
  const choice = body.tool_choice
  const named = isObject(choice) ? (isObject(choice.function) ? choice.function.name : choice.name) : choice
  if (isObject(choice) && !tools.some((tool) => tool.name === named))
    refuse(`Tool choice '${String(named)}' not found in 'tools' parameter.`, { param: 'tool_choice' })
  const known = EFFORTS.find((one) => one === effort)
  if (effort !== undefined && effort !== null && known === undefined)
    refuse(`Invalid value: '${String(effort)}'. Supported values are: ${EFFORTS.join(', ')}.`, {
      param: 'reasoning.effort',
      code: 'invalid_value',
    })
  return {
    temperature: numberAt(body.temperature, 'temperature', 0, 2),
    topP: numberAt(body.top_p, 'top_p', 0, 1),
    maxTokens: numberAt(body[maxTokensKey], maxTokensKey, maxTokensKey === 'max_output_tokens' ? 16 : 1, Number.MAX_SAFE_INTEGER),
    toolChoice: typeof named === 'string' ? named : undefined,
    parallelToolCalls: typeof body.parallel_tool_calls === 'boolean' ? body.parallel_tool_calls : undefined,
    ...(known ? { reasoning: { effort: known } } : {}),
  }
}

/** The asked form of the answer: the members of a `json_schema` format. */
export function outputOf(members: JsonObject, param: string): OutputSchema {
  const name = nameAt(members.name, `${param}.name`)
  const schema = objectAt(members.schema, `${param}.schema`)
  const strict = members.strict === true
  checkSchema(schema, strict, `response_format '${name}'`, `${param}.schema`)
  return { name, schema, strict }
}
