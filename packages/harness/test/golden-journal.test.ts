import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { fsJournal, memoryJournal } from '../src/index.ts'
import { GOLDEN_RUN, goldenRunner, runtime } from './support/golden-run.ts'
import { readAll } from './support/records.ts'
import { tracked } from './support/tracked-store.ts'

const FIXTURES = fileURLToPath(new URL('fixtures/', import.meta.url))
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** A copy of a kept journal, to write to. The blob is put beside it: it is all one letter. */
async function golden(version: string) {
  const directory = await mkdtemp(join(tmpdir(), 'harness-golden-'))
  folders.push(directory)
  await cp(join(FIXTURES, version), directory, { recursive: true })
  const store = tracked(fsJournal({ directory, runtime }))
  const blob = await store.putBlob(GOLDEN_RUN, Buffer.from(JSON.stringify({ callId: '2.0', output: 'x'.repeat(70_000), isError: false })))
  expect(blob).toMatch(/^[0-9a-f]{64}$/)
  return store
}

describe.each(['journal-v1'])('the kept journal %s', (version) => {
  it('is read as it was meant', async () => {
    const store = await golden(version)
    const { agent, runner } = goldenRunner(store)
    const state = await runner.load(agent, GOLDEN_RUN)
    expect(state.status).toBe('paused')
    expect(state.interruptions).toMatchObject([
      { kind: 'approval', callId: '4.0', agent: 'B', name: 'act', arguments: '{}' },
      { kind: 'approval', callId: '4.1', agent: 'B', name: 'act', arguments: '{}' },
    ])
    expect(state.usage.requests).toBe(4)
    expect(state.history.map((item) => (item.type === 'message' ? item.role : item.type))).toEqual([
      'user',
      'reasoning',
      'tool_call',
      'tool_result',
      'tool_call',
      'tool_result',
      'tool_call',
      'tool_result',
      'tool_call',
      'tool_call',
    ])
    expect(state.history[1]).toEqual({ type: 'reasoning', id: 'r1', summary: ['think'], raw: { encrypted_content: 'abc' } })
    expect(state.history[5]).toEqual({ type: 'tool_result', callId: 'call_long', kind: 'function', output: 'x'.repeat(70_000) })
  })

  it('is taken up to the end', async () => {
    const store = await golden(version)
    const { agent, runner, world } = goldenRunner(store)
    const state = await runner.load(agent, GOLDEN_RUN)
    const [first, second] = state.interruptions
    if (!first || !second) throw new Error('two interruptions are expected')
    state.approve(first)
    state.reject(second, { message: 'once is enough' })
    const result = await runner.run(agent, state)
    expect(result.finalOutput).toBe('done')
    expect(result.lastAgent.name).toBe('B')
    // Its sandbox has gone with the process of long ago; nothing asked for it, so that nothing was restored.
    expect(world.sandboxes.size).toBe(0)
  })
})

it('is what this release writes', async () => {
  const journal = memoryJournal({ runtime })
  const { agent, runner } = goldenRunner(journal)
  await runner.run(agent, 'go', { runId: GOLDEN_RUN })
  const store = await golden('journal-v1')
  expect(await readAll(journal, GOLDEN_RUN)).toEqual(await readAll(store, GOLDEN_RUN))
})
