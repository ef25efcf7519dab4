import type { ModelResponse } from '@ringfence/core'

/**
 * Renames call ids that were used before: services pair calls and results by them, so that each must stand for one
 * call. What the model is told later carries the new one.
 *
 * @param used the ids of the run so far.
 */
export function uniqueCallIds(response: ModelResponse, used: ReadonlySet<string>): ModelResponse {
  const here = new Set<string>()
  let isChanged = false
  const items = response.items.map((item) => {
    if (item.type !== 'tool_call') return item
    let callId = item.callId
    for (let count = 2; used.has(callId) || here.has(callId); count += 1) callId = `${item.callId}_${count}`
    here.add(callId)
    if (callId === item.callId) return item
    isChanged = true
    return { ...item, callId }
  })
  return isChanged ? { ...response, items } : response
}
