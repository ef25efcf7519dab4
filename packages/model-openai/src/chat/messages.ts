import type { InputPart, Item, ToolCallItem, ToolResultItem } from '@ringfence/core'
import type { OpenAI } from 'openai'

type Message = OpenAI.Chat.ChatCompletionMessageParam
type AssistantMessage = OpenAI.Chat.ChatCompletionAssistantMessageParam
type Part = OpenAI.Chat.ChatCompletionContentPart

function partOf(part: InputPart): Part {
  if (part.type === 'text') return { type: 'text', text: part.text }
  return { type: 'image_url', image_url: { url: `data:${part.mediaType};base64,${part.data}` } }
}

/** Text alone goes as a string, which every server takes. */
function contentOf(parts: readonly InputPart[]): string | Part[] {
  if (parts.some((part) => part.type === 'image')) return parts.map(partOf)
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
}

/** A call of a custom tool, from a history of the other API, becomes one of a function with the text as its `input`. */
function toolCallOf(item: ToolCallItem): OpenAI.Chat.ChatCompletionMessageFunctionToolCall {
  const written = item.kind === 'custom' ? JSON.stringify({ input: item.arguments }) : item.arguments
  return { id: item.callId, type: 'function', function: { name: item.name, arguments: written } }
}

/** A result as text. Its images follow in a message of the user, since a message of a tool can hold none. */
function resultOf(item: ToolResultItem, images: Part[]): Message {
  if (typeof item.output === 'string') return { role: 'tool', tool_call_id: item.callId, content: item.output }
  const texts: string[] = []
  const found: Part[] = []
  for (const part of item.output) {
    if (part.type === 'text') texts.push(part.text)
    else found.push(partOf(part))
  }
  if (found.length > 0) {
    texts.push(`(${found.length === 1 ? 'An image' : `${found.length} images`} in the next message.)`)
    images.push({ type: 'text', text: `From the result of the tool call ${item.callId}:` }, ...found)
  }
  return { role: 'tool', tool_call_id: item.callId, content: texts.join('\n') }
}

/**
 * The conversation as messages. What the model says and calls between two messages of others is one message of the
 * assistant; reasoning is not sent, since this API has no place for it.
 */
export function messagesOf(instructions: string, items: readonly Item[]): Message[] {
  const messages: Message[] = instructions === '' ? [] : [{ role: 'system', content: instructions }]
  let assistant: AssistantMessage | undefined
  let images: Part[] = []
  const endResults = (): void => {
    if (images.length > 0) messages.push({ role: 'user', content: images })
    images = []
  }
  const speaking = (): AssistantMessage => {
    endResults()
    if (!assistant) {
      assistant = { role: 'assistant' }
      messages.push(assistant)
    }
    return assistant
  }
  for (const item of items) {
    if (item.type === 'message' && item.role === 'assistant') {
      const message = speaking()
      if (item.text !== '' || item.refusal === undefined)
        message.content = typeof message.content === 'string' ? `${message.content}\n${item.text}` : item.text
      if (item.refusal !== undefined) message.refusal = item.refusal
    } else if (item.type === 'tool_call') {
      const message = speaking()
      message.tool_calls = [...(message.tool_calls ?? []), toolCallOf(item)]
    } else if (item.type === 'tool_result') {
      assistant = undefined
      messages.push(resultOf(item, images))
    } else if (item.type === 'message') {
      endResults()
      assistant = undefined
      messages.push({ role: 'user', content: contentOf(item.content) })
    }
  }
  endResults()
  return messages
}
