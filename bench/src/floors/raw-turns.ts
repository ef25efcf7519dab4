import { answerTo, DONE, INSTRUCTIONS, QUESTION, TOOL } from '../loop/conversation.ts'
import type { Called } from '../loop/turns.ts'
import { expect } from '../timing.ts'

interface Answer {
  readonly output: readonly { readonly type: string; readonly call_id?: string; readonly arguments?: string }[]
}

const tools = [
  {
    type: 'function',
    ...TOOL,
    strict: true,
    parameters: {
      type: 'object',
      properties: { subject: { type: 'string' } },
      required: ['subject'],
      additionalProperties: false,
    },
  },
]

/** The loop by hand: `fetch`, `JSON.parse`, the call, and again with all that was said. */
export async function runRawTurns(turns: number, baseURL: string): Promise<Called> {
  const called: number[] = []
  const input: unknown[] = [{ role: 'user', content: QUESTION }]
  for (;;) {
    const response = await fetch(`${baseURL}/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer not-needed' },
      body: JSON.stringify({ model: 'bench', instructions: INSTRUCTIONS, input, tools }),
    })
    const text = await response.text()
    expect(response.status === 200, `the service answered ${response.status}: ${text.slice(0, 200)}`)
    const { output }: Answer = JSON.parse(text)
    const call = output.find(({ type }) => type === 'function_call')
    if (!call) {
      expect(text.includes(DONE) && called.length === turns, `${called.length} calls of ${turns} turns`)
      return called
    }
    called.push(performance.now())
    const result = answerTo(JSON.parse(call.arguments ?? ''))
    input.push(...output, { type: 'function_call_output', call_id: call.call_id, output: result })
  }
}
