import { isRingfenceError, type JournalStore, RingfenceError, systemClock, systemRandom } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Agent, memoryJournal, Runner, tool } from '../src/index.ts'
import { call, say, scriptedModel } from './support/scripted-model.ts'

/** A clock whose background sleeps end when they are told to. */
function beatingClock() {
  const sleeps: { wake: () => void; ms: number }[] = []
  let now = 0
  return {
    beat: async (ms: number) => {
      now += ms
      for (const { wake } of sleeps.splice(0)) wake()
      await new Promise<void>((resolve) => setImmediate(resolve))
    },
    pending: () => sleeps.map(({ ms }) => ms),
    runtime: {
      random: systemRandom,
      clock: {
        ...systemClock,
        monotonic: () => now,
        sleep: (ms: number, { signal }: { signal?: AbortSignal | undefined } = {}) =>
          new Promise<void>((resolve, reject) => {
            sleeps.push({ wake: resolve, ms })
            signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
          }),
      },
    },
  }
}

/** A run that stands in a tool until it is let go on. */
function standing(store: (journal: JournalStore) => JournalStore) {
  const clock = beatingClock()
  const journal = memoryJournal()
  let arrived: () => void = () => undefined
  let goOn: () => void = () => undefined
  const inTool = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const stand = tool({
    name: 'stand',
    description: 'Stands.',
    parameters: z.object({}),
    execute: () =>
      new Promise<string>((resolve) => {
        goOn = () => resolve('ok')
        arrived()
      }),
  })
  const model = scriptedModel([[call('stand', {})], [say('done')]])
  const runner = new Runner({ journal: store(journal), runtime: clock.runtime, leaseMs: 30_000 })
  const running = runner.run(new Agent({ name: 'A', model, tools: [stand] }), 'go', { runId: 'run_x' })
  running.catch(() => undefined)
  return { clock, journal, running, inTool, goOn: () => goOn() }
}

describe('the lease of a run', () => {
  it('is renewed by the clock while the run goes on, and given back', async () => {
    const renewed: number[] = []
    const run = standing((journal) => ({
      ...journal,
      renew: async (runId, lease) => {
        renewed.push(lease.leaseMs)
        await journal.renew(runId, lease)
      },
    }))
    await run.inTool
    expect(run.clock.pending()).toEqual([10_000])
    await run.clock.beat(10_000)
    await run.clock.beat(10_000)
    expect(renewed).toEqual([30_000, 30_000])
    run.goOn()
    expect((await run.running).finalOutput).toBe('done')
    expect(await run.journal.lease('run_x')).toBeUndefined()
  })

  it('that another process took stops the run at once, also within a tool', async () => {
    const run = standing((journal) => ({
      ...journal,
      renew: () => Promise.reject(new RingfenceError('run.fenced', 'taken over')),
    }))
    await run.inTool
    await run.clock.beat(10_000)
    await expect(run.running).rejects.toSatisfy((error) => isRingfenceError(error, 'run.fenced'))
  })

  it('that cannot be renewed stops the run when it has run out, not before', async () => {
    let tries = 0
    const run = standing((journal) => ({
      ...journal,
      renew: () => {
        tries += 1
        return Promise.reject(new RingfenceError('journal.failed', 'the disk is away'))
      },
    }))
    await run.inTool
    await run.clock.beat(10_000)
    await run.clock.beat(10_000)
    expect(tries).toBe(2)
    expect(run.clock.pending()).toEqual([10_000])
    await run.clock.beat(10_000)
    await expect(run.running).rejects.toThrow('could not renew it')
  })
})
