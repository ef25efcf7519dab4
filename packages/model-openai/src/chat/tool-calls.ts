import { type JsonObject, type Random, randomId, type ToolCallItem } from '@ringfence/core'
import type { ModelErrors } from '../errors.ts'
import { objectOf, textOf } from '../json.ts'

interface PartialCall {
  index: number | undefined
  id: string | undefined
  name: string
  written: string
}

/** Puts calls together from their parts. */
export interface ToolCallParts {
  add(part: JsonObject): void
  items(errors: ModelErrors, random: Random): ToolCallItem[]
}

/**
 * Parts belong together by their index. Servers that send none, or the same one for all, are told apart by the id, and
 * without one by the name, which only the first part of a call has.
 */
export function toolCallParts(): ToolCallParts {
  const calls: PartialCall[] = []
  const find = (index: number | undefined, id: string | undefined, name: string | undefined): PartialCall | undefined => {
    const last = calls.at(-1)
    if (index === undefined) {
      if (id) return calls.find((call) => call.id === id) ?? (last && last.id === undefined && !name ? last : undefined)
      return name ? undefined : last
    }
    const same = calls.findLast((call) => call.index === index)
    // A whole second call under the index of the first.
    return same && id && same.id && id !== same.id && name ? undefined : same
  }
  return {
    add(part) {
      const { name, arguments: written } = objectOf(part.function)
      const index = typeof part.index === 'number' ? part.index : undefined
      const id = textOf(part.id) || undefined
      let call = find(index, id, textOf(name) || undefined)
      if (!call) {
        call = { index, id, name: '', written: '' }
        calls.push(call)
      }
      call.id ??= id
      if (call.name === '') call.name = textOf(name) ?? ''
      // Some servers send the arguments as the object that they are.
      call.written += typeof written === 'object' && written !== null ? JSON.stringify(written) : (textOf(written) ?? '')
    },
    items: (errors, random) =>
      calls.map(({ id, name, written }) => {
        if (name === '') throw errors.invalid('a tool call has no name', written)
        return {
          type: 'tool_call',
          callId: id ?? randomId(random, 'call'),
          name,
          arguments: written === '' ? '{}' : written,
          kind: 'function',
        }
      }),
  }
}
