import type { Item } from '@ringfence/core'
import { type ModelServer, modelServer, type ServerReply } from '@ringfence/testkit'
import { type BrainStep, type DoneCall, nextStep } from '../src/demo/embedded-brain.ts'

function doneCalls(input: readonly Item[]): readonly DoneCall[] {
  const outputs = new Map(input.flatMap((item) => (item.type === 'tool_result' ? [[item.callId, String(item.output)] as const] : [])))
  return input.flatMap((item) =>
    item.type === 'tool_call' ? [{ name: item.name, arguments: item.arguments, output: outputs.get(item.callId) ?? '' }] : [],
  )
}

function replyOf(step: BrainStep): ServerReply {
  if (step.type === 'answer') return { text: step.text }
  if (step.type === 'exec') return { toolCalls: [{ name: 'exec_command', arguments: { cmd: step.command, yield_time_ms: 30_000 } }] }
  return { toolCalls: [{ name: 'apply_patch', kind: 'custom', arguments: step.patch }] }
}

/** A model service that thinks as the embedded model does, unless a step is changed. */
export function brainServer(change: (step: BrainStep, calls: readonly DoneCall[]) => BrainStep = (step) => step): Promise<ModelServer> {
  return modelServer({
    respond: ({ input }) => {
      const calls = doneCalls(input)
      return replyOf(change(nextStep(calls), calls))
    },
  })
}

export const modelEnv = (server: ModelServer): Record<string, string> => ({
  OPENAI_API_KEY: 'key-of-the-test',
  OPENAI_BASE_URL: server.baseURL,
})
