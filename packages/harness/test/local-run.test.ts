import { type AuditEvent, secret } from '@ringfence/core'
import { local } from '@ringfence/provider-local'
import { expect, it } from 'vitest'
import { memoryJournal, Runner, SandboxAgent, type Workspace } from '../src/index.ts'
import { readAll } from './support/records.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'

const CALLS = 50

/** The receipts in the control directory of a sandbox, without that of the command which counts them. */
async function countReceipts(workspace: Workspace): Promise<number> {
  const { path = '' } = workspace.state.control.entries[0] ?? {}
  const { stdout } = await workspace.exec(['sh', '-c', 'ls "$1"/*.c | wc -l', 'sh', path])
  return Number(stdout) - 1
}

it('a real sandbox holds no receipts of calls that are over', async () => {
  const counts: number[] = []
  const journal = memoryJournal()
  const model = scriptedModel([
    ...Array.from({ length: CALLS }, (_, turn) => [call('exec_command', { cmd: `echo ${turn}` }, `call_${turn}`)]),
    [say('done')],
  ])
  const runner = new Runner({
    sandbox: local(),
    journal,
    maxTurns: CALLS + 1,
    sandboxHooks: {
      async ending(workspace) {
        // The last batch may be on its way.
        do counts.push(await countReceipts(workspace))
        while ((counts.at(-1) ?? 0) >= 20)
      },
    },
  })
  const result = await runner.run(new SandboxAgent({ name: 'A', model }), 'go', { runId: 'run_x' })
  expect(result.finalOutput).toBe('done')
  const outputs = result.newItems.flatMap((item) => (item.type === 'tool_result' ? [String(item.output)] : []))
  expect(outputs.map((output) => output.split('\n').at(-2))).toEqual(Array.from({ length: CALLS }, (_, turn) => String(turn)))
  expect(counts.at(-1)).toBeGreaterThanOrEqual(0)
  expect(counts.at(-1)).toBeLessThan(20)
  const records = await readAll(journal, 'run_x')
  expect(records.filter(({ type }) => type === 'op.started').map(({ body }) => body.opId)).toEqual(
    Array.from({ length: CALLS }, (_, turn) => `run_x.${turn + 1}.0`),
  )
})

it('a secret is read once for the run and its sandbox, and is there and in nothing else', async () => {
  const value = 'hunter2-hunter2'
  let reads = 0
  const TOKEN = secret.from('TOKEN', () => {
    reads += 1
    return value
  })
  const events: AuditEvent[] = []
  const audit = { required: true, write: async (event: AuditEvent) => void events.push(event) }
  const model = scriptedModel([[call('exec_command', { cmd: 'printf %s "$TOKEN" | wc -c; echo "$TOKEN"' })], [say('done')]])
  const policy = { secrets: [{ secret: TOKEN, sandbox: { env: 'TOKEN', acknowledge: 'env:TOKEN' } }] }
  const result = await new Runner({ sandbox: local(), policy, audit }).run(new SandboxAgent({ name: 'A', model }), 'go')
  const output = result.newItems.flatMap((item) => (item.type === 'tool_result' ? [String(item.output)] : []))[0]
  expect(output).toContain(`${value.length}\n[secret TOKEN]`)
  expect(JSON.stringify([result.history, events])).not.toContain(value)
  expect(reads).toBe(1)
  expect(events.map(({ action }) => action)).toEqual(['secret.resolve', 'sandbox.create', 'command', 'sandbox.destroy'])
})
