import { type Agent, memoryJournal, Runner, SandboxAgent, shell, tool } from '@ringfence/harness'
import { type ScriptedReply, scriptedModel } from '@ringfence/testkit'
import { memorySnapshots } from '@ringfence/workspace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { docker } from '../src/index.ts'
import { missing } from './engine.ts'
import { BUSYBOX, fillBusybox, make } from './images.ts'
import { openPrivateEngine, type PrivateEngine } from './private-engine.ts'
import { errorOf, expectToldClearly, until } from './support.ts'

const ask = tool({ name: 'ask', description: 'Asks.', parameters: z.object({}), needsApproval: true, execute: () => 'yes' })
const runs = (cmd: string): ScriptedReply => ({ toolCalls: [{ name: 'exec_command', arguments: { cmd, yield_time_ms: 30_000 } }] })

describe.skipIf(missing !== undefined)(`a run of an agent whose engine ends${missing ? ` (${missing})` : ''}`, () => {
  let engine: PrivateEngine
  beforeAll(async () => {
    engine = await openPrivateEngine()
    await engine.start()
    await make(BUSYBOX, fillBusybox, [], engine.api)
  })
  afterAll(() => engine?.close())

  const setUp = (replies: readonly ScriptedReply[]): { runner: Runner; agent: Agent; model: ReturnType<typeof scriptedModel> } => {
    const model = scriptedModel(replies)
    const agent = new SandboxAgent({ name: 'Worker', model, instructions: 'Work.', tools: [ask], capabilities: [shell()] })
    const sandbox = docker({ image: BUSYBOX, socketPath: engine.socketPath })
    const runner = new Runner({
      sandbox,
      snapshots: memorySnapshots(),
      journal: memoryJournal(),
      policy: { minimumIsolation: 'container' },
    })
    return { runner, agent, model }
  }
  /** An engine that has ended may go on to list as dead what it has removed. */
  const containers = async (): Promise<readonly { Id: string }[]> => {
    const listed: { Id: string; State: string }[] = JSON.parse((await engine.api('GET', '/containers/json?all=1')).body)
    return listed.filter(({ State }) => State !== 'dead')
  }

  test('while it waits for an approval: its work is restored into a new sandbox, and it comes to its end', {
    timeout: 240_000,
  }, async () => {
    const { runner, agent, model } = setUp([
      runs('echo worked >file'),
      { toolCalls: [{ name: 'ask' }] },
      runs('cat file'),
      { text: 'done' },
    ])
    const paused = await runner.run(agent, 'go')
    expect(paused.interruptions).toHaveLength(1)
    await engine.end('KILL')
    await engine.start()
    for (const one of paused.interruptions) paused.state.approve(one)
    const stream = await runner.run(agent, paused.state, { stream: true })
    const phases: string[] = []
    for await (const event of stream) if (event.type === 'sandbox') phases.push(event.phase)
    expect(phases).toContain('restored')
    expect((await stream.completed).finalOutput).toBe('done')
    expect(JSON.stringify(model.requests.at(-1)?.input)).toContain('worked')
    await until(async () => (await containers()).length === 0)
  })

  test('while a command runs and nothing was saved: it says that the sandbox is gone, now and when it is taken up', {
    timeout: 240_000,
  }, async () => {
    const { runner, agent } = setUp([runs('echo >begun; sleep 600'), { text: 'done' }])
    const running = errorOf(runner.run(agent, 'go', { runId: 'run-cut' }))
    const [first] = await untilSome(containers)
    await until(async () => (await engine.api('HEAD', `/containers/${first?.Id}/archive?path=/workspace/begun`)).status === 200)
    await engine.end('TERM')
    expectToldClearly(await running, ['sandbox.gone', 'provider.failed', 'exec.lost'])
    await engine.start()
    const again = errorOf(runner.run(agent, await runner.load(agent, 'run-cut')))
    expectToldClearly(await again, ['sandbox.gone'])
    await until(async () => (await containers()).length === 0)
  })
})

async function untilSome<T>(list: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let found: readonly T[] = []
  await until(async () => {
    found = await list()
    return found.length > 0
  })
  return found
}
