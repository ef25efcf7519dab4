import { Agent, type AssistantMessageItem, type FunctionCallItem, type Model, Runner, tool, Usage } from '@openai/agents'
import { z } from 'zod'
import { answerTo, DONE, INSTRUCTIONS, QUESTION, questionOf, SAID, TOOL } from '../loop/conversation.ts'
import type { Called } from '../loop/turns.ts'
import { expect } from '../timing.ts'

function message(text: string, turn: number): AssistantMessageItem {
  return { type: 'message', role: 'assistant', id: `msg_${turn}`, status: 'completed', content: [{ type: 'output_text', text }] }
}

/** A model of the peer that answers at once and keeps nothing. */
export function answeringPeer(turns: number): Model {
  let next = 0
  const answer = (turn: number): (AssistantMessageItem | FunctionCallItem)[] => {
    if (turn === turns) return [message(DONE, turn)]
    const call = { callId: `call_${turn}`, name: TOOL.name, arguments: JSON.stringify(questionOf(turn)) }
    return [message(SAID, turn), { type: 'function_call', id: `fc_${turn}`, status: 'completed', ...call }]
  }
  const usage = { requests: 1, inputTokens: 10, outputTokens: 10, totalTokens: 20 }
  return {
    getResponse: async () => ({ usage: new Usage(usage), output: answer(next++) }),
    async *getStreamedResponse() {
      const turn = next++
      yield { type: 'response_done', response: { id: `resp_${turn}`, usage, output: answer(turn) } }
    },
  }
}

/** The same run with the peer: without redaction and without a journal, which it does not have. */
export async function runPeerTurns(turns: number, model: Model, stream: boolean): Promise<Called> {
  const called: number[] = []
  const lookUp = tool({
    ...TOOL,
    parameters: z.object({ subject: z.string() }),
    async execute(question) {
      called.push(performance.now())
      return answerTo(question)
    },
  })
  const agent = new Agent({ name: 'Looker', instructions: INSTRUCTIONS, model, tools: [lookUp] })
  const runner = new Runner({ tracingDisabled: true })
  const options = { maxTurns: turns + 1 }
  let output: unknown
  if (stream) {
    const run = await runner.run(agent, QUESTION, { ...options, stream: true })
    for await (const _event of run) {
      // Every event is read, as an app would.
    }
    await run.completed
    output = run.finalOutput
  } else output = (await runner.run(agent, QUESTION, options)).finalOutput
  expect(output === DONE && called.length === turns, `${called.length} calls of ${turns} turns`)
  return called
}
