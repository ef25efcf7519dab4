import type { InputPart, Item, JsonObject, ModelRequest, ReasoningItem, ToolSpec } from '@ringfence/core'
import type { OpenAI } from 'openai'
import { toolChoiceOf } from '../check-tool-choice.ts'
import { isObject, listOf } from '../json.ts'

type ResponseInputItem = OpenAI.Responses.ResponseInputItem

/** Reasoning goes back as it came, in whatever form that was. */
export interface ResponsesBody extends Omit<OpenAI.Responses.ResponseCreateParamsStreaming, 'input'> {
  readonly input: readonly (ResponseInputItem | JsonObject)[]
}

function partOf(part: InputPart): OpenAI.Responses.ResponseInputText | OpenAI.Responses.ResponseInputImage {
  if (part.type === 'text') return { type: 'input_text', text: part.text }
  return { type: 'input_image', detail: 'auto', image_url: `data:${part.mediaType};base64,${part.data}` }
}

/** Reasoning that the service could not read back is left out: it keeps nothing that an id could stand for. */
function reasoningOf({ raw }: ReasoningItem): JsonObject | undefined {
  if (!isObject(raw) || raw.type !== 'reasoning') return undefined
  return typeof raw.encrypted_content === 'string' || listOf(raw.content).length > 0 ? raw : undefined
}

function itemOf(item: Item): ResponseInputItem | JsonObject | undefined {
  switch (item.type) {
    case 'message': {
      if (item.role === 'user') return { type: 'message', role: 'user', content: item.content.map(partOf) }
      const { id, text, refusal, phase } = item
      // The service takes ids of its own making alone; the history may come from another one.
      if (!id?.startsWith('msg')) return { role: 'assistant', content: refusal ?? text, ...(phase ? { phase } : {}) }
      const content: OpenAI.Responses.ResponseOutputMessage['content'] = []
      if (text !== '' || refusal === undefined) content.push({ type: 'output_text', text, annotations: [] })
      if (refusal !== undefined) content.push({ type: 'refusal', refusal })
      return { type: 'message', role: 'assistant', id, status: 'completed', content, ...(phase ? { phase } : {}) }
    }
    case 'reasoning':
      return reasoningOf(item)
    case 'tool_call': {
      const { id, callId, name } = item
      if (item.kind === 'custom')
        return { type: 'custom_tool_call', call_id: callId, name, input: item.arguments, ...(id?.startsWith('ctc') ? { id } : {}) }
      return { type: 'function_call', call_id: callId, name, arguments: item.arguments, ...(id?.startsWith('fc') ? { id } : {}) }
    }
    case 'tool_result': {
      const output = typeof item.output === 'string' ? item.output : item.output.map(partOf)
      return { type: item.kind === 'custom' ? 'custom_tool_call_output' : 'function_call_output', call_id: item.callId, output }
    }
  }
}

function toolOf(tool: ToolSpec): OpenAI.Responses.FunctionTool | OpenAI.Responses.CustomTool {
  const { name, description } = tool
  if (tool.type === 'function') return { type: 'function', name, description, parameters: { ...tool.parameters }, strict: tool.strict }
  return { type: 'custom', name, description, ...(tool.grammar ? { format: { type: 'grammar', ...tool.grammar } } : {}) }
}

function toolChoice(request: ModelRequest): Pick<ResponsesBody, 'tool_choice'> {
  const choice = toolChoiceOf(request)
  if (choice === undefined) return {}
  return { tool_choice: typeof choice === 'string' ? choice : { type: choice.type, name: choice.name } }
}

/** The body of a request of the Responses API. */
export function responsesBody(request: ModelRequest, model: string, encryptedReasoning: boolean): ResponsesBody {
  const { instructions, settings, output, tools } = request
  return {
    model,
    stream: true,
    store: false,
    input: request.input.map(itemOf).filter((item) => item !== undefined),
    ...(instructions === '' ? {} : { instructions }),
    ...(encryptedReasoning ? { include: ['reasoning.encrypted_content'] } : {}),
    ...(tools.length === 0 ? {} : { tools: tools.map(toolOf) }),
    ...toolChoice(request),
    ...(tools.length === 0 || settings.parallelToolCalls === undefined ? {} : { parallel_tool_calls: settings.parallelToolCalls }),
    ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
    ...(settings.topP === undefined ? {} : { top_p: settings.topP }),
    ...(settings.maxTokens === undefined ? {} : { max_output_tokens: settings.maxTokens }),
    ...(settings.reasoning?.effort === undefined ? {} : { reasoning: { effort: settings.reasoning.effort } }),
    ...(output
      ? { text: { format: { type: 'json_schema', name: output.name, schema: { ...output.schema }, strict: output.strict } } }
      : {}),
  }
}
