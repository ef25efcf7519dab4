/** One of several processes that want the same run. Prints one line of JSON when it is done. */

import { appendFileSync } from 'node:fs'
import { isRingfenceError } from '@ringfence/core'
import { z } from 'zod'
import { Agent, fsJournal, Runner, tool } from '../../src/index.ts'
import { call, say, scriptedModel } from './scripted-model.ts'

/** `dieAt`: the call in which it ends as by `kill -9`, after the effect. */
const [directory = '', ledger = '', name = '', dieAt = ''] = process.argv.slice(2)

const step = tool({
  name: 'step',
  description: 'Writes into the ledger.',
  parameters: z.object({}),
  execute(_, { idempotencyKey, epoch }) {
    appendFileSync(ledger, `${idempotencyKey} ${epoch} ${name}\n`)
    if (idempotencyKey === dieAt) process.kill(process.pid, 'SIGKILL')
    return 'ok'
  },
})
const model = scriptedModel([...Array.from({ length: 20 }, () => [call('step', {})]), [say('done')]])
const runner = new Runner({ journal: fsJournal({ directory }), maxTurns: 30 })
const agent = new Agent({ name: 'A', model, tools: [step] })

// A line tells the parent that it is ready; a line of the parent starts it, so that all begin together.
process.stdout.write('ready\n')
process.stdin.once('data', async () => {
  process.stdin.pause()
  try {
    const result = await runner.run(agent, await runner.load(agent, 'run_x'))
    process.stdout.write(`${JSON.stringify({ status: result.status, finalOutput: result.finalOutput })}\n`)
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ code: isRingfenceError(error) ? error.code : String(error) })}\n`)
  }
})
