import { type JournalStore, type Model, secret } from '@ringfence/core'
import { Agent, Runner, tool } from '@ringfence/harness'
import { scriptedModel } from '@ringfence/testkit'
import { z } from 'zod'
import { answerTo, DONE, INSTRUCTIONS, QUESTION, questionOf, SAID, TOOL } from '../loop/conversation.ts'
import type { Called } from '../loop/turns.ts'
import { expect, timed } from '../timing.ts'

const policy = { secrets: [{ secret: secret.from('TOKEN', () => 'a-value-that-nobody-may-see') }] }

/** A model that answers at once. */
export function answering(turns: number): Model {
  return scriptedModel((_request, turn) =>
    turn === turns ? { text: DONE } : { text: SAID, toolCalls: [{ name: TOOL.name, arguments: questionOf(turn) }] },
  )
}

/** A run of so many turns with a tool, a secret that is looked for, a journal and a reader of all events. */
export async function runTurns(turns: number, model: Model, journal: JournalStore): Promise<Called> {
  const called: number[] = []
  const lookUp = tool({
    ...TOOL,
    parameters: z.object({ subject: z.string() }),
    execute(question) {
      called.push(performance.now())
      return answerTo(question)
    },
  })
  const agent = new Agent({ name: 'Looker', instructions: INSTRUCTIONS, model, tools: [lookUp] })
  const runner = new Runner({ journal, policy, maxTurns: turns + 1 })
  let ended = 0
  let finalOutput: string | undefined
  await timed(async () => {
    const run = await runner.run(agent, QUESTION, { stream: true })
    for await (const event of run) if (event.type === 'tool-end') ended += 1
    finalOutput = (await run.completed).finalOutput
  })
  expect(finalOutput === DONE && called.length === turns && ended === turns, `${called.length} calls, ${ended} events of ${turns} turns`)
  return called
}
