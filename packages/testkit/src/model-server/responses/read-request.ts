import type { AssistantMessageItem, InputPart, Item, JsonObject, JsonValue, OutputSchema, ToolSpec } from '@ringfence/core'
import { customTool, functionTool, outputOf, settingsOf, toolsOf, unknownToolType } from '../check-tools.ts'
import { imageAt, isObject, listAt, objectAt, textAt } from '../fields.ts'
import type { ServerRequest } from '../reply.ts'
import { refuse } from '../wire-problem.ts'

function inputParts(value: JsonValue | undefined, param: string): InputPart[] {
  if (typeof value === 'string') return [{ type: 'text', text: value }]
  return listAt(value, param).map((one, index) => {
    const at = `${param}[${index}]`
    const part = objectAt(one, at)
    if (part.type === 'input_text') return { type: 'text', text: textAt(part.text, `${at}.text`) }
    if (part.type === 'input_image') return imageAt(part.image_url, `${at}.image_url`)
    return refuse(`Invalid value: '${String(part.type)}'. Supported values are: 'input_text' and 'input_image'.`, {
      param: `${at}.type`,
      code: 'invalid_value',
    })
  })
}

function assistantMessage(item: JsonObject, param: string): Item {
  const id = item.id === undefined ? undefined : textAt(item.id, `${param}.id`)
  if (id !== undefined && !id.startsWith('msg'))
    refuse(`Invalid '${param}.id': '${id}'. Expected an ID that begins with 'msg'.`, { param: `${param}.id`, code: 'invalid_value' })
  const said = item.phase
  const phase: Pick<AssistantMessageItem, 'phase'> = said === 'commentary' || said === 'final_answer' ? { phase: said } : {}
  if (typeof item.content === 'string') return { type: 'message', role: 'assistant', id, text: item.content, ...phase }
  let text = ''
  let refusal: string | undefined
  for (const [index, one] of listAt(item.content, `${param}.content`).entries()) {
    const at = `${param}.content[${index}]`
    const part = objectAt(one, at)
    if (part.type === 'output_text') text += textAt(part.text, `${at}.text`)
    else if (part.type === 'refusal') refusal = textAt(part.refusal, `${at}.refusal`)
    else refuse(`Invalid value: '${String(part.type)}'. Supported values are: 'output_text' and 'refusal'.`, { param: `${at}.type` })
  }
  return { type: 'message', role: 'assistant', id, text, ...(refusal === undefined ? {} : { refusal }), ...phase }
}

function reasoningItem(item: JsonObject, stored: boolean, param: string): Item {
  const id = textAt(item.id, `${param}.id`)
  if (!stored && typeof item.encrypted_content !== 'string')
    refuse(`Item with id '${id}' not found. Items are not persisted when \`store\` is set to false.`, { param: 'input', status: 404 })
  const summary = listAt(item.summary, `${param}.summary`).map((part) => textAt(objectAt(part, param).text, `${param}.summary`))
  return { type: 'reasoning', id, summary, raw: item }
}

function itemOf(item: JsonObject, stored: boolean, param: string): Item | { readonly instructions: string } {
  const type = item.type ?? (item.role === undefined ? undefined : 'message')
  const id = typeof item.id === 'string' ? item.id : undefined
  switch (type) {
    case 'message':
      if (item.role === 'user') return { type: 'message', role: 'user', content: inputParts(item.content, `${param}.content`) }
      if (item.role === 'assistant') return assistantMessage(item, param)
      if (item.role !== 'system' && item.role !== 'developer')
        refuse(`Invalid value: '${String(item.role)}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.`, { param })
      return {
        instructions: inputParts(item.content, `${param}.content`)
          .map((part) => (part.type === 'text' ? part.text : ''))
          .join('\n'),
      }
    case 'reasoning':
      return reasoningItem(item, stored, param)
    case 'function_call':
    case 'custom_tool_call': {
      const callId = textAt(item.call_id, `${param}.call_id`)
      const name = textAt(item.name, `${param}.name`)
      if (type === 'custom_tool_call')
        return { type: 'tool_call', id, callId, name, arguments: textAt(item.input, `${param}.input`), kind: 'custom' }
      return { type: 'tool_call', id, callId, name, arguments: textAt(item.arguments, `${param}.arguments`), kind: 'function' }
    }
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const output = typeof item.output === 'string' ? item.output : inputParts(item.output, `${param}.output`)
      const kind = type === 'function_call_output' ? 'function' : 'custom'
      return { type: 'tool_result', callId: textAt(item.call_id, `${param}.call_id`), kind, output }
    }
    default:
      return refuse(`Invalid value: '${String(type)}'.`, { param: `${param}.type`, code: 'invalid_value' })
  }
}

/** Each output answers a call before it, and each call is answered. */
function checkPairs(items: readonly Item[]): void {
  const open = new Map<string, string>()
  for (const item of items) {
    if (item.type === 'tool_call') open.set(item.callId, item.kind)
    if (item.type !== 'tool_result') continue
    const kind = item.kind === 'custom' ? 'custom tool call' : 'function call'
    if (open.get(item.callId) !== item.kind)
      refuse(`No tool call found for ${kind} output with call_id ${item.callId}.`, { param: 'input' })
    open.delete(item.callId)
  }
  for (const [callId, kind] of open)
    refuse(`No tool output found for ${kind === 'custom' ? 'custom tool call' : 'function call'} ${callId}.`, { param: 'input' })
}

function toolAt(tool: JsonObject, param: string): ToolSpec {
  if (tool.type === 'function') return functionTool(tool, param, true)
  if (tool.type === 'custom') return customTool(tool, param)
  return unknownToolType(tool, param, "'function' and 'custom'")
}

function outputAt(text: JsonValue | undefined): OutputSchema | undefined {
  const format = isObject(text) ? text.format : undefined
  if (!isObject(format) || format.type === 'text') return undefined
  if (format.type === 'json_schema') return outputOf(format, 'text.format')
  return refuse(`Invalid value: '${String(format.type)}'. Supported values are: 'text' and 'json_schema'.`, { param: 'text.format.type' })
}

/** Understands the body of a Responses request, or refuses it as the service does. */
export function readResponsesRequest(body: JsonObject): ServerRequest {
  if (body.model === undefined) refuse("Missing required parameter: 'model'.", { param: 'model', code: 'missing_required_parameter' })
  if (body.input === undefined) refuse("Missing required parameter: 'input'.", { param: 'input', code: 'missing_required_parameter' })
  let instructions = body.instructions === undefined || body.instructions === null ? '' : textAt(body.instructions, 'instructions')
  const input: Item[] = []
  const listed = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : listAt(body.input, 'input')
  for (const [index, one] of listed.entries()) {
    const item = itemOf(objectAt(one, `input[${index}]`), body.store !== false, `input[${index}]`)
    if ('instructions' in item) instructions = instructions === '' ? item.instructions : `${instructions}\n${item.instructions}`
    else input.push(item)
  }
  checkPairs(input)
  const tools = toolsOf(body.tools, toolAt)
  const effort = isObject(body.reasoning) ? body.reasoning.effort : undefined
  return {
    api: 'responses',
    model: textAt(body.model, 'model'),
    stream: body.stream === true,
    body,
    instructions,
    input,
    tools,
    output: outputAt(body.text),
    settings: settingsOf(body, tools, 'max_output_tokens', effort),
  }
}
