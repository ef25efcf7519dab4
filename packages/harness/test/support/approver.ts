/** Another process that takes a paused run up: allows version 1.4, and no other. Prints one line of JSON. */
import { fsJournal, Runner } from '../../src/index.ts'
import { releaser } from './releaser.ts'

const [directory = '', ledger = ''] = process.argv.slice(2)
const agent = releaser(ledger)
const runner = new Runner({ journal: fsJournal({ directory }) })
const state = await runner.load(agent, 'run_x')
for (const interruption of state.interruptions) {
  if (interruption.arguments.includes('1.4')) state.approve(interruption)
  else state.reject(interruption, { message: 'not yet' })
}
const { status, finalOutput, usage, newItems } = await runner.run(agent, state)
const results = newItems.flatMap((item) => (item.type === 'tool_result' ? [item.output] : []))
process.stdout.write(`${JSON.stringify({ pid: process.pid, status, finalOutput, requests: usage.requests, results })}\n`)
