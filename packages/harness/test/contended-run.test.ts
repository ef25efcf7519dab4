import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { isRingfenceError } from '@ringfence/core'
import { afterEach, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, fsJournal, Runner, tool } from '../src/index.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'
import { tracked } from './support/tracked-store.ts'

const CONTENDER = fileURLToPath(new URL('support/contender.ts', import.meta.url))
const children: ChildProcessWithoutNullStreams[] = []
const folders: string[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'harness-contended-'))
  folders.push(made)
  return made
}

interface Contender {
  readonly child: ChildProcessWithoutNullStreams
  readonly lines: AsyncIterator<string>
}

async function contend(directory: string, ledger: string, name: string, dieAt = ''): Promise<Contender> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=@ringfence/source', CONTENDER, directory, ledger, name, dieAt])
  children.push(child)
  child.stderr.pipe(process.stderr)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect(await lines.next()).toMatchObject({ value: 'ready' })
  return { child, lines }
}

/** A run with its first answer and nothing after it, as a pause leaves it. */
async function begin(directory: string): Promise<void> {
  const step = tool({ name: 'step', description: 'Writes into the ledger.', parameters: z.object({}), execute: () => 'ok' })
  const model = scriptedModel([
    () => {
      throw new Error('the service is down')
    },
  ])
  const runner = new Runner({ journal: fsJournal({ directory }) })
  await expect(runner.run(new Agent({ name: 'A', model, tools: [step] }), 'go', { runId: 'run_x' })).rejects.toThrow('down')
}

it('is driven by one of two processes, to the end, with each step done once', async () => {
  const directory = await folder()
  const ledger = join(await folder(), 'ledger')
  await begin(directory)
  const contenders = await Promise.all(['one', 'two', 'three'].map((name) => contend(directory, ledger, name)))
  for (const { child } of contenders) child.stdin.end('go\n')
  const outcomes: unknown[] = []
  for (const { child, lines } of contenders) {
    const { value } = await lines.next()
    outcomes.push(JSON.parse(String(value)))
    if (child.exitCode === null) await once(child, 'exit')
  }
  const steps = (await readFile(ledger, 'utf8')).trim().split('\n')
  expect(steps.map((line) => line.split(' ')[0])).toEqual(Array.from({ length: 20 }, (_, turn) => `run_x.${turn + 1}.0`))
  // The others came too early and were sent away, or came when it was over and were told the end.
  const ends = outcomes.filter((outcome) => JSON.stringify(outcome) === '{"status":"completed","finalOutput":"done"}')
  const away = outcomes.filter((outcome) => JSON.stringify(outcome) === '{"code":"run.busy"}')
  expect(ends.length).toBeGreaterThanOrEqual(1)
  expect(ends.length + away.length).toBe(3)
})

it('goes on in another process after kill -9, and asks about the call in which it was killed', async () => {
  const directory = await folder()
  const ledger = join(await folder(), 'ledger')
  await begin(directory)
  const { child } = await contend(directory, ledger, 'one', 'run_x.5.0')
  child.stdin.end('go\n')
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  const runtime = skewedRuntime()
  runtime.skip(31_000)
  const runner = new Runner({ journal: tracked(fsJournal({ directory, runtime })), runtime, maxTurns: 30 })
  const done: string[] = []
  const step = tool({
    name: 'step',
    description: 'Writes into the ledger.',
    parameters: z.object({}),
    execute: (_, { idempotencyKey }) => void done.push(idempotencyKey),
  })
  const model = scriptedModel([...Array.from({ length: 20 }, () => [call('step', {})]), [say('done')]])
  const agent = new Agent({ name: 'A', model, tools: [step] })
  const paused = await runner.run(agent, await runner.load(agent, 'run_x'))
  expect(paused.interruptions).toMatchObject([{ kind: 'unknown-outcome', callId: '5.0', name: 'step' }])
  for (const one of paused.interruptions) paused.state.reject(one, { message: 'it is in the ledger' })
  const result = await runner.run(agent, paused.state)
  expect(result.finalOutput).toBe('done')
  const before = (await readFile(ledger, 'utf8')).trim().split('\n')
  expect([...before.map((line) => line.split(' ')[0]), ...done]).toEqual(Array.from({ length: 20 }, (_, turn) => `run_x.${turn + 1}.0`))
  // 5 answers and the failed question of before, 16 now: no answer was paid for twice.
  expect(model.requests).toHaveLength(16)
  expect(result.usage.requests).toBe(22)
})

it('is stopped in the driver that was taken over, which does nothing more', async () => {
  const directory = await folder()
  const runtime = skewedRuntime()
  const done: string[] = []
  let takeOver: () => Promise<void> = async () => undefined
  const agentOf = (name: string) => {
    const step = tool({
      name: 'step',
      description: 'Steps.',
      parameters: z.object({}),
      isIdempotent: true,
      async execute(_, { epoch }) {
        done.push(`${name} ${epoch}`)
        if (name === 'stalled') await takeOver()
        return 'ok'
      },
    })
    return new Agent({ name: 'A', model: scriptedModel([[call('step', {})], [call('step', {})], [say('done')]]), tools: [step] })
  }
  takeOver = async () => {
    runtime.skip(31_000)
    const next = new Runner({ journal: tracked(fsJournal({ directory, runtime })), runtime })
    const agent = agentOf('next')
    expect((await next.run(agent, await next.load(agent, 'run_x'))).finalOutput).toBe('done')
  }
  const stalled = new Runner({ journal: tracked(fsJournal({ directory, runtime })), runtime })
  await expect(stalled.run(agentOf('stalled'), 'go', { runId: 'run_x' })).rejects.toSatisfy((error) =>
    isRingfenceError(error, 'run.fenced'),
  )
  expect(done).toEqual(['stalled 1', 'next 2', 'next 2'])
})
