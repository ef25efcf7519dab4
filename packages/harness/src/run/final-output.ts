import { type AssistantMessageItem, type Item, RingfenceError } from '@ringfence/core'
import { z } from 'zod'
import type { Agent } from '../agent/agent.ts'

function invalid(agent: string, reason: string, cause?: unknown): RingfenceError {
  return new RingfenceError(
    'model.output-invalid',
    `The final output of "${agent}" does not have the form of its \`outputType\`: ${reason}`,
    {
      hint: 'Ask for the form more plainly, or use a model that keeps to schemas.',
      effect: 'done',
      cause,
    },
  )
}

/** What the model said last, in its last answer. */
function lastAnswer(history: readonly Item[]): AssistantMessageItem | undefined {
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const item = history[index]
    if (!item || item.type === 'tool_result' || (item.type === 'message' && item.role === 'user')) return undefined
    if (item.type === 'message') return item
  }
  return undefined
}

/** The final output of a run: as text, or in the form of the agent. Throws `model.output-invalid`. */
export function finalOutput(agent: Agent<never, unknown>, history: readonly Item[]): unknown {
  const last = lastAnswer(history)
  const text = last?.text ?? ''
  if (!agent.outputType) return text === '' ? (last?.refusal ?? '') : text
  if (last?.refusal) throw invalid(agent.name, `the model refused: ${last.refusal}`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(agent.name, 'it is not JSON', error)
  }
  const parsed = agent.outputType.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalid(agent.name, z.prettifyError(parsed.error), parsed.error)
}
