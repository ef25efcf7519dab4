import type { Tool, ToolCallItem } from '@ringfence/core'
import type { BoundTool } from '../agent/bind-agent.ts'
import type { Handoff } from '../agent/handoff.ts'

/** What a call of the model asks for: something that can be done, or what the model is told of why not. */
export type CallReading<Context> =
  | {
      readonly kind: 'tool'
      readonly tool: Tool<Context>
      readonly isCapability: boolean
      /** The checked arguments; the text of a custom tool. */
      readonly args: unknown
    }
  | { readonly kind: 'handoff'; readonly handoff: Handoff<Context> }
  | { readonly kind: 'problem'; readonly text: string }

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    // Models leave the arguments of a tool without parameters empty.
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text)
    return { value }
  } catch (error) {
    return { problem: messageOf(error) }
  }
}

/** The text for a custom tool: as it came, or out of the one argument of a function. */
function customText(
  tool: Extract<Tool<never>, { type: 'custom' }>,
  item: ToolCallItem,
): { readonly text: string } | { readonly problem: string } {
  if (item.kind === 'custom') return { text: item.arguments }
  const parsed = parseJson(item.arguments)
  if ('problem' in parsed) return parsed
  const { value } = parsed
  const { name } = tool.argument
  const text: unknown = typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined
  return typeof text === 'string' ? { text } : { problem: `"${name}" must be a text` }
}

/** Makes sense of a call, or says to the model what is wrong with it. */
export function readCall<Context>(item: ToolCallItem, tools: ReadonlyMap<string, BoundTool<Context>>): CallReading<Context> {
  const bound = tools.get(item.name)
  if (!bound) {
    const names = [...tools.keys()].map((name) => `"${name}"`)
    return {
      kind: 'problem',
      text: `There is no tool "${item.name}". ${names.length > 0 ? `The tools are: ${names.join(', ')}.` : 'There are no tools.'}`,
    }
  }
  if (bound.kind === 'handoff') return bound
  const { tool, isCapability } = bound
  if (tool.type === 'custom') {
    const read = customText(tool, item)
    if ('text' in read) return { kind: 'tool', tool, isCapability, args: read.text }
    return {
      kind: 'problem',
      text: `The arguments of "${item.name}" are not valid: ${read.problem}. The call was not made; correct it and call again.`,
    }
  }
  const parsed = parseJson(item.arguments)
  if ('problem' in parsed)
    return {
      kind: 'problem',
      text: `The arguments of "${item.name}" are not valid JSON: ${parsed.problem}. The call was not made; send one JSON object that matches the schema.`,
    }
  try {
    return { kind: 'tool', tool, isCapability, args: tool.parse(parsed.value) }
  } catch (error) {
    return {
      kind: 'problem',
      text: `The arguments of "${item.name}" do not match its schema: ${messageOf(error)}\nThe call was not made; correct it and call again.`,
    }
  }
}
