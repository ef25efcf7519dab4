import type { InputPart, Item, JsonObject, JsonValue, OutputSchema, ToolCallItem, ToolSpec } from '@ringfence/core'
import { functionTool, outputOf, settingsOf, toolsOf, unknownToolType } from '../check-tools.ts'
import { imageAt, isObject, listAt, objectAt, textAt } from '../fields.ts'
import type { ServerRequest } from '../reply.ts'
import { refuse } from '../wire-problem.ts'

function partsOf(value: JsonValue | undefined, param: string, images: boolean): InputPart[] {
  if (typeof value === 'string') return [{ type: 'text', text: value }]
  return listAt(value, param).map((one, index) => {
    const at = `${param}[${index}]`
    const part = objectAt(one, at)
    if (part.type === 'text') return { type: 'text', text: textAt(part.text, `${at}.text`) }
    if (part.type === 'image_url' && images) return imageAt(objectAt(part.image_url, `${at}.image_url`).url, `${at}.image_url.url`)
    return refuse(`Invalid value: '${String(part.type)}'. Supported values are: 'text'${images ? " and 'image_url'" : ''}.`, {
      param: `${at}.type`,
      code: 'invalid_value',
    })
  })
}

function textOf(value: JsonValue | undefined, param: string): string {
  return partsOf(value, param, false)
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('')
}

function callsOf(value: JsonValue | undefined, param: string): ToolCallItem[] {
  if (value === undefined || value === null) return []
  const calls = listAt(value, param)
  if (calls.length === 0) refuse(`Invalid '${param}': empty array. Expected an array with minimum length 1.`, { param })
  return calls.map((one, index) => {
    const at = `${param}[${index}]`
    const call = objectAt(one, at)
    if (call.type !== 'function')
      refuse(`Invalid value: '${String(call.type)}'. Supported values are: 'function'.`, { param: `${at}.type` })
    const members = objectAt(call.function, `${at}.function`)
    return {
      type: 'tool_call',
      callId: textAt(call.id, `${at}.id`),
      name: textAt(members.name, `${at}.function.name`),
      arguments: textAt(members.arguments, `${at}.function.arguments`),
      kind: 'function',
    }
  })
}

function assistantItems(message: JsonObject, calls: readonly ToolCallItem[], param: string): Item[] {
  const hasContent = message.content !== undefined && message.content !== null
  const refusal = typeof message.refusal === 'string' ? message.refusal : undefined
  if (!hasContent && refusal === undefined && calls.length === 0)
    refuse(`Invalid value for 'content': expected a string, got null.`, { param: `${param}.content` })
  if (!hasContent && refusal === undefined) return [...calls]
  const text = hasContent ? textOf(message.content, `${param}.content`) : ''
  return [{ type: 'message', role: 'assistant', text, ...(refusal === undefined ? {} : { refusal }) }, ...calls]
}

/** Messages with what must follow them: the results of each call, at once. */
function readMessages(messages: readonly JsonValue[]): { instructions: string; input: Item[] } {
  const input: Item[] = []
  const instructions: string[] = []
  const open = new Set<string>()
  const allAnswered = (): void => {
    if (open.size === 0) return
    const missing = [...open].join(', ')
    refuse(
      `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${missing}`,
      { param: 'messages' },
    )
  }
  for (const [index, one] of messages.entries()) {
    const param = `messages[${index}]`
    const message = objectAt(one, param)
    if (message.role === 'tool') {
      const callId = textAt(message.tool_call_id, `${param}.tool_call_id`)
      if (!open.delete(callId))
        refuse("Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", {
          param: `${param}.role`,
        })
      input.push({ type: 'tool_result', callId, kind: 'function', output: textOf(message.content, `${param}.content`) })
      continue
    }
    allAnswered()
    if (message.role === 'user') input.push({ type: 'message', role: 'user', content: partsOf(message.content, `${param}.content`, true) })
    else if (message.role === 'system' || message.role === 'developer') instructions.push(textOf(message.content, `${param}.content`))
    else if (message.role === 'assistant') {
      const calls = callsOf(message.tool_calls, `${param}.tool_calls`)
      for (const call of calls) open.add(call.callId)
      input.push(...assistantItems(message, calls, param))
    } else
      refuse(`Invalid value: '${String(message.role)}'. Supported values are: 'system', 'assistant', 'user', 'tool' and 'developer'.`, {
        param: `${param}.role`,
        code: 'invalid_value',
      })
  }
  allAnswered()
  return { instructions: instructions.join('\n'), input }
}

function toolAt(tool: JsonObject, param: string): ToolSpec {
  // As compatible servers: custom tools are OpenAI's own alone.
  if (tool.type !== 'function') return unknownToolType(tool, param, "'function'")
  return functionTool(objectAt(tool.function, `${param}.function`), `${param}.function`, false)
}

function outputAt(format: JsonValue | undefined): OutputSchema | undefined {
  if (!isObject(format) || format.type === 'text') return undefined
  if (format.type === 'json_schema')
    return outputOf(objectAt(format.json_schema, 'response_format.json_schema'), 'response_format.json_schema')
  return refuse(`Invalid value: '${String(format.type)}'. Supported values are: 'text' and 'json_schema'.`, {
    param: 'response_format.type',
  })
}

/** Understands the body of a Chat Completions request, or refuses it as the service does. */
export function readChatRequest(body: JsonObject): ServerRequest {
  if (body.model === undefined) refuse('you must provide a model parameter')
  const messages = listAt(body.messages, 'messages')
  if (messages.length === 0) refuse("Invalid 'messages': empty array. Expected an array with minimum length 1.", { param: 'messages' })
  if (body.stream_options !== undefined && body.stream !== true)
    refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", { param: 'stream_options' })
  const tools = toolsOf(body.tools, toolAt)
  const maxTokensKey = body.max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens'
  return {
    api: 'chat-completions',
    model: textAt(body.model, 'model'),
    stream: body.stream === true,
    body,
    ...readMessages(messages),
    tools,
    output: outputAt(body.response_format),
    settings: settingsOf(body, tools, maxTokensKey, body.reasoning_effort),
  }
}
