import { type ModelRequest, RingfenceError, type ToolSpec } from '@ringfence/core'
import type { OpenAI } from 'openai'
import { toolChoiceOf } from '../check-tool-choice.ts'
import { messagesOf } from './messages.ts'

export type ChatBody = OpenAI.Chat.ChatCompletionCreateParamsStreaming

function toolOf(tool: ToolSpec): OpenAI.Chat.ChatCompletionFunctionTool {
  const { name, description } = tool
  if (tool.type === 'function')
    return { type: 'function', function: { name, description, parameters: { ...tool.parameters }, strict: tool.strict } }
  throw new RingfenceError('config.invalid', `The tool "${name}" is a custom one, which Chat Completions does not know`, {
    provider: 'openai',
    operation: 'model.stream',
    hint: 'Give it as a function tool, or use `api: "responses"`.',
    effect: 'none',
  })
}

function toolChoice(request: ModelRequest): Pick<ChatBody, 'tool_choice'> {
  const choice = toolChoiceOf(request)
  if (choice === undefined) return {}
  return { tool_choice: typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } } }
}

/** The body of a request of the Chat Completions API. */
export function chatBody(request: ModelRequest, model: string): ChatBody {
  const { settings, output, tools } = request
  return {
    model,
    stream: true,
    stream_options: { include_usage: true },
    messages: messagesOf(request.instructions, request.input),
    ...(tools.length === 0 ? {} : { tools: tools.map(toolOf) }),
    ...toolChoice(request),
    ...(tools.length === 0 || settings.parallelToolCalls === undefined ? {} : { parallel_tool_calls: settings.parallelToolCalls }),
    ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
    ...(settings.topP === undefined ? {} : { top_p: settings.topP }),
    ...(settings.maxTokens === undefined ? {} : { max_completion_tokens: settings.maxTokens }),
    ...(settings.reasoning?.effort === undefined ? {} : { reasoning_effort: settings.reasoning.effort }),
    ...(output
      ? {
          response_format: { type: 'json_schema', json_schema: { name: output.name, schema: { ...output.schema }, strict: output.strict } },
        }
      : {}),
  }
}
