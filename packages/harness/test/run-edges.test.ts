import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isRingfenceError, type OutputItem } from '@ringfence/core'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, fsJournal, memoryJournal, Runner, run, SandboxAgent, tool } from '../src/index.ts'
import { fakeSandboxes } from './support/fake-sandboxes.ts'
import { releaser } from './support/releaser.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'
import { tracked } from './support/tracked-store.ts'

const APPROVER = fileURLToPath(new URL('support/approver.ts', import.meta.url))
const code = (name: string) => (error: unknown) => isRingfenceError(error) && error.code === name
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'harness-edges-'))
  folders.push(made)
  return made
}

it('a run that waits for a person goes on in another process', async () => {
  const directory = await folder()
  const ledger = join(await folder(), 'ledger')
  const paused = await new Runner({ journal: fsJournal({ directory }) }).run(releaser(ledger), 'release', { runId: 'run_x' })
  expect([paused.status, paused.interruptions.length]).toEqual(['paused', 2])
  const node = ['--import', 'tsx', '--conditions=@ringfence/source', APPROVER, directory, ledger]
  const { stdout } = await promisify(execFile)(process.execPath, node)
  const { pid, ...told } = JSON.parse(stdout)
  expect(told).toEqual({
    status: 'completed',
    finalOutput: 'done',
    requests: 2,
    results: ['1.4 is live', 'A person did not allow this call: not yet'],
  })
  expect(pid).not.toBe(process.pid)
  expect(await readFile(ledger, 'utf8')).toBe(`run_x.1.0 1.4 ${pid}\n`)
  // Whoever holds the state of before is told what became of it meanwhile.
  expect((await run(releaser(ledger), paused.state)).finalOutput).toBe('done')
})

describe('a call', () => {
  it('whose id the model used before stands for itself, in the same answer, a later one, and after a pause', async () => {
    const keys: string[] = []
    const note = tool({
      name: 'note',
      description: 'Notes.',
      parameters: z.object({ ask: z.boolean().default(false) }),
      needsApproval: ({ ask }) => ask,
      execute: (_, { idempotencyKey }) => {
        keys.push(idempotencyKey)
        return idempotencyKey
      },
    })
    const model = scriptedModel([
      [call('note', {}, 'c'), call('note', {}, 'c')],
      [call('note', {}, 'c')],
      [call('note', { ask: true }, 'c')],
      [call('note', {}, 'c'), call('note', {}, 'c_2')],
      [say('done')],
    ])
    const agent = new Agent({ name: 'A', model, tools: [note] })
    const journal = memoryJournal()
    const runner = new Runner({ journal })
    expect((await runner.run(agent, 'go', { runId: 'run_x' })).status).toBe('paused')
    const state = await runner.load(agent, 'run_x')
    for (const one of state.interruptions) state.approve(one)
    const result = await runner.run(agent, state)
    expect(keys).toEqual(['run_x.1.0', 'run_x.1.1', 'run_x.2.0', 'run_x.3.0', 'run_x.4.0', 'run_x.4.1'])
    const ids = (type: 'tool_call' | 'tool_result') => result.newItems.flatMap((item) => (item.type === type ? [item.callId] : []))
    expect(ids('tool_call')).toEqual(['c', 'c_2', 'c_3', 'c_4', 'c_5', 'c_2_2'])
    expect(ids('tool_result')).toEqual(ids('tool_call'))
    // What the model is sent pairs each call with its own result.
    expect(result.newItems.flatMap((item) => (item.type === 'tool_result' ? [item.output] : []))).toEqual(keys)
  })

  it.each([
    ['that are cut', '{"n":1', 'not valid JSON'],
    ['twice', '{"n":1}{"n":2}', 'not valid JSON'],
    ['in another form', 'n=1', 'not valid JSON'],
    ['without end', '['.repeat(100_000), 'not valid JSON'],
    ['left out', '', 'do not match'],
    ['null', 'null', 'do not match'],
    ['as an array', '[]', 'do not match'],
    ['as a text', '"1"', 'do not match'],
    ['of another type', '{"n":"1"}', 'do not match'],
    ['beyond all numbers', '{"n":1e999}', 'do not match'],
    ['of a prototype', '{"__proto__":{"n":1}}', 'do not match'],
  ])('with arguments %s is not made, and the model is told what is wrong', async (_, text, reason) => {
    let calls = 0
    const count = tool({
      name: 'count',
      description: 'Counts.',
      parameters: z.object({ n: z.number() }),
      execute: () => {
        calls += 1
        return 'ok'
      },
    })
    const model = scriptedModel([[call('count', text)], [call('count', { n: 1 })], [say('done')]])
    const result = await run(new Agent({ name: 'A', model, tools: [count] }), 'go')
    const outputs = result.newItems.flatMap((item) => (item.type === 'tool_result' ? [String(item.output)] : []))
    expect(outputs[0]).toContain(reason)
    expect([outputs[1], calls, result.finalOutput]).toEqual(['ok', 1, 'done'])
  })
})

describe('a structured output', () => {
  const outputType = z.object({ city: z.string() })
  const refusal: OutputItem = { type: 'message', role: 'assistant', text: '', refusal: 'I will not.' }

  it('that the model refuses is no output, and says why', async () => {
    const asked = run(new Agent({ name: 'A', model: scriptedModel([[refusal]]), outputType }), 'go')
    await expect(asked).rejects.toSatisfy(code('model.output-invalid'))
    await expect(asked).rejects.toThrow('I will not.')
    expect((await run(new Agent({ name: 'A', model: scriptedModel([[refusal]]) }), 'go')).finalOutput).toBe('I will not.')
  })

  it('is that of the agent that the conversation was handed to', async () => {
    const model = scriptedModel([[call('transfer_to_b', {})], [say('{"city":"Bern"}')]])
    const b = new Agent({ name: 'B', model, outputType })
    const a = new Agent({ name: 'A', model, handoffs: [b] })
    const stream = await run(a, 'go', { stream: true })
    let text = ''
    for await (const delta of stream.toTextStream()) text += delta
    expect(text).toBe('{"city":"Bern"}')
    expect((await stream.completed).finalOutput).toEqual({ city: 'Bern' })
    expect(model.requests.map(({ output }) => output?.name)).toEqual([undefined, 'final_output'])
  })
})

describe('a run that is aborted', () => {
  it('before it begins asks nobody, and can be begun', async () => {
    const model = scriptedModel([[say('done')]])
    const agent = new Agent({ name: 'A', model })
    const journal = memoryJournal()
    const runner = new Runner({ journal })
    await expect(runner.run(agent, 'go', { runId: 'run_x', signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
    expect(model.requests).toHaveLength(0)
    expect(await journal.lease('run_x')).toBeUndefined()
    expect((await runner.run(agent, await runner.load(agent, 'run_x'))).finalOutput).toBe('done')
  })

  it('while its sandbox starts ends that start, and goes on when it is taken up', async () => {
    const world = fakeSandboxes()
    const stop = new AbortController()
    let aborted: unknown
    const look = tool({
      name: 'look',
      description: 'Looks.',
      parameters: z.object({}),
      isIdempotent: true,
      execute: async (_, { workspace }) => (await (await workspace()).exec('look')).stdout,
    })
    const agent = new SandboxAgent({
      name: 'A',
      model: scriptedModel([[call('look', {})], [say('done')]]),
      tools: [look],
      capabilities: [],
    })
    const journal = memoryJournal()
    const options = { journal, sandbox: world.provider }
    const stuck = new Runner({
      ...options,
      openWorkspace: ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => {
            aborted = signal.reason
            reject(signal.reason)
          })
          stop.abort('stop')
        }),
    })
    await expect(stuck.run(agent, 'go', { runId: 'run_x', signal: stop.signal })).rejects.toBe('stop')
    expect(aborted).toBe('stop')
    const next = new Runner({ ...options, openWorkspace: world.openWorkspace })
    expect((await next.run(agent, await next.load(agent, 'run_x'))).finalOutput).toBe('done')
    expect([...world.sandboxes.keys()]).toEqual(['run_x-s1'])
  })
})

describe('a journal', () => {
  const note = () =>
    tool({
      name: 'note',
      description: 'Notes.',
      parameters: z.object({}),
      isIdempotent: true,
      execute: (_, { idempotencyKey }) => idempotencyKey,
    })
  const noter = () =>
    new Agent({ name: 'A', model: scriptedModel([[call('note', {})], [call('note', {})], [say('done')]]), tools: [note()] })

  /** The journal of a whole run, as text. */
  async function whole(): Promise<string> {
    const directory = await folder()
    await new Runner({ journal: fsJournal({ directory }) }).run(noter(), 'go', { runId: 'run_x' })
    return readFile(join(directory, 'run_x', 'journal.jsonl'), 'utf8')
  }

  it('that was cut anywhere is taken up from its last whole line, and ends alike', async () => {
    const text = await whole()
    const lines = text.split('\n').slice(0, -1)
    expect(lines.length).toBeGreaterThan(3)
    let length = 0
    const cuts = lines.flatMap((line) => {
      const begin = length
      length += Buffer.byteLength(line) + 1
      return [begin + Math.floor(line.length / 2), length - 1, length]
    })
    for (const cut of cuts.filter((at) => at > (lines[0]?.length ?? 0))) {
      const directory = await folder()
      await mkdir(join(directory, 'run_x'))
      await writeFile(join(directory, 'run_x', 'journal.jsonl'), Buffer.from(text).subarray(0, cut))
      const runtime = skewedRuntime()
      const runner = new Runner({ journal: tracked(fsJournal({ directory, runtime })), runtime })
      const agent = noter()
      const result = await runner.run(agent, await runner.load(agent, 'run_x'))
      expect([result.status, result.finalOutput], `cut at ${cut}`).toEqual(['completed', 'done'])
      expect(result.newItems.flatMap((item) => (item.type === 'tool_result' ? [item.output] : []))).toEqual(['run_x.1.0', 'run_x.2.0'])
    }
  })

  it.each([
    ['of a newer version', (line: string) => line.replace('"v":1', '"v":2'), 'journal.unsupported', /version "2"/],
    [
      'with a type that is not known',
      (line: string) => line.replace('"type":"run.start"', '"type":"run.dream"'),
      'journal.unsupported',
      /"run\.dream"/,
    ],
    [
      'with a record that another release writes',
      (line: string) => JSON.stringify({ ...JSON.parse(line)[0], type: 'run.fork' }),
      'journal.unsupported',
      /"run\.fork"/,
    ],
    ['that was changed', (line: string) => line.replace('"agent":"A"', '"agent":"B"'), 'journal.corrupt', /hash chain/],
    ['that is no JSON', () => '{', 'journal.corrupt', /does not parse/],
  ])('%s is refused by name, and stays as it is', async (_, change, expected, message) => {
    const directory = await folder()
    const path = join(directory, 'run_x', 'journal.jsonl')
    await mkdir(dirname(path))
    const [first = '', ...rest] = (await whole()).split('\n')
    const changed = [change(first), ...rest].join('\n')
    await writeFile(path, changed)
    const runner = new Runner({ journal: fsJournal({ directory }) })
    const loading = runner.load(noter(), 'run_x')
    await expect(loading).rejects.toSatisfy(code(expected))
    await expect(loading).rejects.toThrow(message)
    expect(await readFile(path, 'utf8')).toBe(changed)
  })
})
