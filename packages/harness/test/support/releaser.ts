import { appendFileSync } from 'node:fs'
import { z } from 'zod'
import { Agent, tool } from '../../src/index.ts'
import { call, say, scriptedModel } from './scripted-model.ts'

/** An agent that brings two versions live, each when a person allows it. What it does stands in a ledger outside. */
export function releaser(ledger: string): Agent {
  const deploy = tool({
    name: 'deploy',
    description: 'Brings a version live.',
    parameters: z.object({ version: z.string() }),
    needsApproval: true,
    execute({ version }, { idempotencyKey }) {
      appendFileSync(ledger, `${idempotencyKey} ${version} ${process.pid}\n`)
      return `${version} is live`
    },
  })
  const model = scriptedModel([[call('deploy', { version: '1.4' }, 'a'), call('deploy', { version: '2.0' }, 'b')], [say('done')]])
  return new Agent({ name: 'Releaser', model, tools: [deploy] })
}
