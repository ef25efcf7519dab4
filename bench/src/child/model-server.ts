import { modelServer } from '@ringfence/testkit'
import { DONE, questionOf, SAID, TOOL } from '../loop/conversation.ts'

const turns = Number(process.argv[2])

/** It tells from the request which turn it is, so that it serves any number of runs. */
const server = await modelServer({
  respond({ input }) {
    const turn = input.filter(({ type }) => type === 'tool_result').length
    return turn === turns ? { text: DONE } : { text: SAID, toolCalls: [{ name: TOOL.name, arguments: questionOf(turn) }] }
  },
})
console.log(server.baseURL)
// Whoever started it closes its standard input at the end, or is gone.
process.stdin.resume().once('close', () => process.exit(0))
