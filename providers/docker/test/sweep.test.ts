import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  type FunctionTool,
  isRingfenceError,
  type Model,
  NO_USAGE,
  type Provider,
  type RuntimeContext,
  systemRuntime,
} from '@ringfence/core'
import { fsJournal, Runner, SandboxAgent, sweep } from '@ringfence/harness'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { api, missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, makeImages } from './images.ts'

const INSTALLATION = `sweep-${process.pid}`
const LEASE_MS = 5000
const LIFETIME_MS = 900_000
const ENDED = Array.from({ length: 10 }, (_, index) => `run_ended_${index}`)
const STANDING = Array.from({ length: 10 }, (_, index) => `run_standing_${index}`)

/**
 * The first harness: twenty runs at once, each in a sandbox of its own. Ten come to their end, which is recorded, and stand in the end of
 * their sandbox; ten stand in the middle of a call. It says which is where, and goes on until it is killed.
 */
const FIRST_HARNESS = `
import { fsJournal, Runner, SandboxAgent } from '@ringfence/harness'
import { docker } from '@ringfence/provider-docker'
const [directory, socketPath, image, installation, leaseMs, sandboxLifetimeMs, ...runs] = process.argv.slice(1)
const forever = new Promise(() => setInterval(() => undefined, 1000))
const provider = docker({ image, socketPath })
const sandbox = {
  ...provider,
  async create(request, context) {
    const made = await provider.create(request, context)
    return { ...made, destroy: () => (console.log(request.ref.runId), forever) }
  },
}
const usage = { requests: 1, inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 }
const model = {
  specificationVersion: 'model-v1', provider: 'scripted', name: 'script', toolKinds: ['function'],
  async *stream(request, { idempotencyKey }) {
    const item = idempotencyKey.endsWith('.1')
      ? { type: 'tool_call', callId: 'c', name: 'note', arguments: '{}', kind: 'function' }
      : { type: 'message', role: 'assistant', text: 'done' }
    yield { type: 'completed', response: { items: [item], usage } }
  },
}
const note = {
  type: 'function', name: 'note', description: 'Notes.', parameters: { type: 'object' }, strict: false, isIdempotent: true, parse: () => ({}),
  async invoke(_, { runId, workspace }) {
    const { stdout } = await (await workspace()).exec('echo noted >>notes; cat notes')
    if (runId.includes('standing')) { console.log(runId); await forever }
    return stdout
  },
}
const agent = new SandboxAgent({ name: 'A', model, tools: [note], capabilities: [] })
const runner = new Runner({
  sandbox, journal: fsJournal({ directory }), installation, leaseMs: Number(leaseMs), sandboxLifetimeMs: Number(sandboxLifetimeMs),
})
for (const runId of runs) runner.run(agent, 'go', { runId }).catch((error) => console.log('failed', runId, error))
`

const model: Model = {
  specificationVersion: 'model-v1',
  provider: 'scripted',
  name: 'script',
  toolKinds: ['function'],
  async *stream(_, { idempotencyKey }) {
    if (!idempotencyKey.endsWith('.2')) throw new Error('the first answer is in the journal')
    yield { type: 'completed', response: { items: [{ type: 'message', role: 'assistant', text: 'done' }], usage: NO_USAGE } }
  },
}

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (let next = cleanups.pop(); next; next = cleanups.pop()) await next()
})

interface Listed {
  readonly Id: string
  readonly Labels: Record<string, string>
}

/** The containers that run and carry a label. */
async function running(label: string): Promise<readonly Listed[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [label], status: ['running'] }))
  return JSON.parse((await api('GET', `/containers/json?filters=${filters}`)).body)
}

/** The runs whose sandboxes run. */
async function liveRuns(): Promise<readonly string[]> {
  const listed = await running(`dev.ringfence.installation=${INSTALLATION}`)
  return listed.map(({ Labels }) => Labels['dev.ringfence.run'] ?? '').sort()
}

/** A container that nobody here made. */
async function stranger(Labels: Record<string, string>): Promise<() => Promise<boolean>> {
  const { body } = await api('POST', '/containers/create', { Image: BUSYBOX, Cmd: ['sleep', '3600'], Labels })
  const { Id } = JSON.parse(body)
  cleanups.push(() => api('DELETE', `/containers/${Id}?force=1&v=1`))
  expect((await api('POST', `/containers/${Id}/start`)).status).toBe(204)
  return async () => JSON.parse((await api('GET', `/containers/${Id}/json`)).body).State?.Running === true
}

function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), passed }
}

/** A clock that stands at a time until it is let go on, past the leases of the dead. */
function standingClock(): { runtime: RuntimeContext; letGo(): void } {
  const { clock } = systemRuntime
  let standsAt: number | undefined = clock.now()
  return {
    runtime: { ...systemRuntime, clock: { ...clock, now: () => standsAt ?? clock.now() + LEASE_MS } },
    letGo() {
      standsAt = undefined
    },
  }
}

/** Starts the first harness, waits until each run is where it is to be, and kills it. Gives a clock that stands at that time. */
async function liveAndDie(directory: string): Promise<ReturnType<typeof standingClock>> {
  const args = [directory, socketPath, BUSYBOX, INSTALLATION, String(LEASE_MS), String(LIFETIME_MS), ...ENDED, ...STANDING]
  const node = ['--import', 'tsx', '--conditions=@ringfence/source', '--input-type=module', '-e', FIRST_HARNESS]
  const child = spawn(process.execPath, [...node, ...args], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  cleanups.push(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const arrived: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    arrived.push(line)
    if (line.startsWith('failed') || arrived.length === ENDED.length + STANDING.length) break
  }
  expect(arrived.sort()).toEqual([...ENDED, ...STANDING])
  const clock = standingClock()
  child.kill('SIGKILL')
  expect((await exited)[1]).toBe('SIGKILL')
  return clock
}

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'what a killed harness left' : `what a killed harness left (${missing})`,
  () => {
    beforeAll(async () => {
      await startEngine()
      await makeImages()
    })

    test('stays while its leases last; then what nobody drives, and whose run has ended, is ended, and nothing else', {
      timeout: 600_000,
    }, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'ringfence-sweep-'))
      cleanups.push(() => rm(directory, { recursive: true, force: true }))
      cleanups.push(async () => {
        for (const { Id } of await running(`dev.ringfence.installation=${INSTALLATION}`))
          await api('DELETE', `/containers/${Id}?force=1&v=1`)
      })
      const foreign = await stranger({
        'dev.ringfence.installation': `other-${INSTALLATION}`,
        'dev.ringfence.run': 'run_ended_0',
        'dev.ringfence.intent': 's1',
      })
      const unlabelled = await stranger({})
      const { runtime, letGo } = await liveAndDie(directory)
      expect(await liveRuns()).toEqual([...ENDED, ...STANDING])

      // Before the leases of the dead have run out.
      const journal = fsJournal({ directory, runtime })
      const provider = docker({ image: BUSYBOX, socketPath })
      const common = { journal, runtime, leaseMs: LEASE_MS, sandboxLifetimeMs: LIFETIME_MS }
      const byReason = ({ kept }: Awaited<ReturnType<typeof sweep>>, reason: string): string[] =>
        kept.flatMap((one) => (one.reason === reason ? [one.runId] : [])).sort()
      const early = await sweep({ ...common, sandbox: provider })
      expect([early.swept, early.failed, byReason(early, 'driven')]).toEqual([[], [], [...ENDED, ...STANDING]])
      expect(await liveRuns()).toEqual([...ENDED, ...STANDING])

      // The second harness takes what it wants: three that stand in their call again, two that stand in the end of their sandbox again.
      const going = gate()
      const there = gate()
      let arrivals = 0
      const arrive = async (): Promise<void> => {
        arrivals += 1
        if (arrivals === 5) there.open()
        await going.passed
      }
      const sandbox: Provider = {
        ...provider,
        async resume(...request) {
          const made = await provider.resume(...request)
          return {
            ...made,
            async destroy() {
              await arrive()
              await made.destroy()
            },
          }
        },
      }
      const noted: string[] = []
      const agentOf = (stand: () => Promise<void>): SandboxAgent => {
        const note: FunctionTool = {
          type: 'function',
          name: 'note',
          description: 'Notes.',
          parameters: { type: 'object' },
          strict: false,
          isIdempotent: true,
          parse: () => ({}),
          async invoke(_, { workspace }) {
            const { stdout } = await (await workspace()).exec('echo noted >>notes; cat notes')
            noted.push(stdout)
            await stand()
            return stdout
          },
        }
        return new SandboxAgent({ name: 'A', model, tools: [note], capabilities: [] })
      }
      // Without `find` it sweeps nothing by itself; and it may be slow.
      const second = new Runner({ ...common, leaseMs: 120_000, installation: INSTALLATION, sandbox: { ...sandbox, find: undefined } })
      const wanted = agentOf(arrive)
      const busy = second.run(wanted, await second.load(wanted, 'run_standing_0'))
      await expect(busy).rejects.toSatisfy((error) => isRingfenceError(error, 'run.busy'))
      letGo()
      const attached = [...STANDING.slice(0, 3), ...ENDED.slice(0, 2)]
      const driving = Promise.all(attached.map(async (runId) => second.run(wanted, await second.load(wanted, runId))))
      // What goes wrong on the way ends the waiting.
      await Promise.race([there.passed, driving])

      const late = await sweep({ ...common, sandbox: provider })
      expect(late.swept.map(({ runId, intentId }) => `${runId} ${intentId}`).sort()).toEqual(ENDED.slice(2).map((runId) => `${runId} s1`))
      expect([late.failed, byReason(late, 'driven'), byReason(late, 'unended')]).toEqual([[], [...attached].sort(), STANDING.slice(3)])
      expect(await liveRuns()).toEqual([...ENDED.slice(0, 2), ...STANDING])
      expect([await foreign(), await unlabelled()]).toEqual([true, true])

      // What was attached to goes on to its end, and what was left alone can still be taken up; no command ran twice.
      going.open()
      expect((await driving).map(({ finalOutput, cleanupError }) => [finalOutput, cleanupError])).toEqual(
        attached.map(() => ['done', undefined]),
      )
      const third = new Runner({ ...common, installation: INSTALLATION, sandbox: provider })
      const last = agentOf(async () => undefined)
      expect((await third.run(last, await third.load(last, 'run_standing_3'))).finalOutput).toBe('done')
      expect(noted).toEqual(['noted\n', 'noted\n', 'noted\n', 'noted\n'])
      expect(await liveRuns()).toEqual(STANDING.slice(4))
      expect([await foreign(), await unlabelled()]).toEqual([true, true])
    })
  },
)
