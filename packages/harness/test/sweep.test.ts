import { type AuditEvent, isRingfenceError, type JournalStore, type Provider, RingfenceError } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import { memoryJournal, type SweepReport, sweep } from '../src/index.ts'
import type { Step } from '../src/journal/step.ts'
import { emptyFold } from '../src/run/run-fold.ts'
import { catchUp } from '../src/run/run-state.ts'
import { fakeSandbox } from './support/fake-commands.ts'
import { type FakeSandboxes, fakeSandboxes } from './support/fake-sandboxes.ts'
import { readAll } from './support/records.ts'
import { skewedRuntime } from './support/skewed-runtime.ts'
import { steps, writeSteps } from './support/write-steps.ts'

const RUN = 'run_x'
const { start, intent, ready, release, end } = steps
const LEASE_MS = 5000

/** A sandbox that is there, whoever wanted it. */
function makeSandbox(world: FakeSandboxes, id: string): void {
  world.sandboxes.set(id, fakeSandbox(id))
}

/** A provider that notes what it is looked for. */
function watched(provider: Provider): { provider: Provider; looked: string[] } {
  const looked: string[] = []
  return {
    looked,
    provider: {
      ...provider,
      resume: (state, ...rest) => {
        looked.push(state.id)
        return provider.resume(state, ...rest)
      },
      find: async (ref, context) => {
        looked.push(`${ref.installation}/${ref.runId}-${ref.intentId}`)
        return provider.find?.(ref, context)
      },
    },
  }
}

const alive = (world: FakeSandboxes): string[] => [...world.sandboxes.values()].filter(({ isAlive }) => isAlive).map(({ id }) => id)
const code = (name: string) => (error: unknown) => isRingfenceError(error) && error.code === name

interface Row {
  readonly steps: readonly Step[]
  /** Sandboxes that are there, beside those of others. */
  readonly there?: readonly string[]
  /** Whether the lease of the driver lasts. */
  readonly isDriven?: boolean
  readonly swept?: readonly string[]
  readonly kept?: SweepReport['kept'][number]['reason']
  /** Whether it may be looked for at all. */
  readonly isLookedFor?: boolean
}

const S1 = `${RUN}-s1`
const S2 = `${RUN}-s2`
const asked: Step = {
  type: 'approval.request',
  body: { callId: '1.0', name: 'act', kind: 'approval', argumentsDigest: 'd' },
}

const rows: Record<string, Row> = {
  'that ended, and whose end was not recorded, is ended': {
    steps: [start, intent(1), ready(1, S1), end],
    there: [S1],
    swept: ['s1'],
  },
  'that was let go of before the run ended is ended': {
    steps: [start, intent(1), ready(1, S1), release(1, false), end],
    there: [S1],
    swept: ['s1'],
  },
  'whose start was not recorded is found by its intent': { steps: [start, intent(1), end], there: [S1], swept: ['s1'] },
  'that is known by its state alone, as one of a pool, is ended': {
    steps: [start, intent(1), ready(1, 'pool-7'), end],
    there: ['pool-7'],
    swept: ['s1'],
  },
  'of an earlier generation is ended': {
    steps: [start, intent(1), ready(1, S1), intent(2), ready(2, S2), release(2, true), end],
    there: [S1],
    swept: ['s1'],
  },
  'of each generation is ended': {
    steps: [start, intent(1), ready(1, S1), intent(2), ready(2, S2), end],
    there: [S1, S2],
    swept: ['s1', 's2'],
  },
  'whose end is recorded is not looked for': {
    steps: [start, intent(1), ready(1, S1), release(1, true), end],
    there: [S1],
    isLookedFor: false,
  },
  'of a run that did not end is kept': { steps: [start, intent(1), ready(1, S1)], there: [S1], kept: 'unended', isLookedFor: false },
  'of a run that waits for a person is kept': {
    steps: [start, intent(1), ready(1, S1), asked, release(1, false)],
    there: [S1],
    kept: 'unended',
    isLookedFor: false,
  },
  'of a run that is driven is kept, also past its end': {
    steps: [start, intent(1), ready(1, S1), end],
    there: [S1],
    isDriven: true,
    kept: 'driven',
    isLookedFor: false,
  },
  'of a run that is driven and goes on is kept': {
    steps: [start, intent(1), ready(1, S1)],
    there: [S1],
    isDriven: true,
    kept: 'driven',
    isLookedFor: false,
  },
  'of the app is not looked for': { steps: [start, ready(1, 'mine', 'given'), end], there: ['mine'], isLookedFor: false },
  'of the app, beside one of the run, stays': {
    steps: [start, intent(1), ready(1, S1), ready(2, 'mine', 'given'), end],
    there: [S1, 'mine'],
    swept: ['s1'],
  },
  'of another provider is not looked for': { steps: [start, intent(1, 'other'), end], there: [S1], isLookedFor: false },
  'that has ended by itself is said to be so, and nothing is written': { steps: [start, intent(1), ready(1, S1), end], kept: 'not-found' },
}

describe('a sandbox', () => {
  it.each(Object.entries(rows))('%s', async (_, row) => {
    const runtime = skewedRuntime()
    const journal = memoryJournal({ runtime })
    const world = fakeSandboxes()
    for (const id of [...(row.there ?? []), 'foreign', 'run_y-s1']) makeSandbox(world, id)
    await writeSteps(journal, RUN, row.steps, row.isDriven ? LEASE_MS : undefined)
    const before = await readAll(journal, RUN)
    const events: AuditEvent[] = []
    const { provider, looked } = watched(world.provider)
    const audit = { required: true, write: async (event: AuditEvent) => void events.push(event) }
    const report = await sweep({ journal, sandbox: provider, audit, runtime })

    const swept = row.swept ?? []
    expect(report).toEqual({
      swept: swept.map((intentId) => ({ runId: RUN, intentId })),
      kept: row.kept ? [{ runId: RUN, reason: row.kept }] : [],
      failed: [],
    })
    expect(world.ended).toHaveLength(swept.length)
    expect(alive(world)).toEqual([...(row.there ?? []).filter((id) => !world.ended.includes(id)), 'foreign', 'run_y-s1'])
    expect(events.map(({ action, runId, outcome, body }) => [action, runId, outcome, body.sandboxId])).toEqual(
      world.ended.map((id) => ['sandbox.destroy', RUN, 'allowed', id]),
    )
    for (const name of looked) expect(name).toContain(name.startsWith('pool') ? 'pool-7' : RUN)
    if (row.isLookedFor === false) expect(looked).toEqual([])

    // Of a new epoch, behind what stood there; and a driver can read it.
    const added = (await readAll(journal, RUN)).slice(before.length)
    expect(added.map(({ type, epoch, body }) => [type, epoch, body.destroyed])).toEqual(swept.map(() => ['sandbox.release', 2, true]))
    if (!row.steps.includes(asked)) expect((await catchUp(journal, emptyFold(RUN))).length).toBe(before.length + added.length)
    if (!row.isDriven) expect(await journal.lease(RUN)).toBeUndefined()

    const again = await sweep({ journal, sandbox: provider, audit, runtime })
    expect(again).toEqual({ swept: [], kept: row.kept ? [{ runId: RUN, reason: row.kept }] : [], failed: [] })
    expect(world.ended).toHaveLength(swept.length)
  })

  it('of a driver that died is kept until its lease has run out', async () => {
    const runtime = skewedRuntime()
    const journal = memoryJournal({ runtime })
    const world = fakeSandboxes()
    makeSandbox(world, S1)
    await writeSteps(journal, RUN, [start, intent(1), ready(1, S1), end], LEASE_MS)
    const options = { journal, sandbox: world.provider, runtime }
    expect(await sweep(options)).toMatchObject({ swept: [], kept: [{ reason: 'driven' }] })
    runtime.skip(LEASE_MS)
    expect(await sweep(options)).toMatchObject({ swept: [{ intentId: 's1' }], kept: [] })
  })

  it('is ended once by two that sweep at once, in one process and in two', async () => {
    const journal = memoryJournal()
    const world = fakeSandboxes()
    makeSandbox(world, S1)
    await writeSteps(journal, RUN, [start, intent(1), ready(1, S1), end])
    const sandbox = world.provider
    const reports = await Promise.all([
      sweep({ journal, sandbox }),
      sweep({ journal, sandbox }),
      sweep({ journal: { ...journal }, sandbox }),
    ])
    expect(world.ended).toEqual([S1])
    expect(reports.flatMap(({ swept }) => swept)).toHaveLength(1)
    expect(reports.flatMap(({ failed }) => failed)).toEqual([])
  })
})

describe('what fails', () => {
  async function leftBehind(): Promise<{ journal: JournalStore; world: FakeSandboxes }> {
    const journal = memoryJournal()
    const world = fakeSandboxes()
    for (const runId of ['run_a', 'run_b']) {
      makeSandbox(world, `${runId}-s1`)
      await writeSteps(journal, runId, [start, intent(1), ready(1, `${runId}-s1`), end])
    }
    return { journal, world }
  }

  it('with one sandbox leaves the others, is told, writes nothing, and is tried again', async () => {
    const { journal, world } = await leftBehind()
    let isBroken = true
    const sandbox: Provider = {
      ...world.provider,
      async resume(state, ...rest) {
        const made = await world.provider.resume(state, ...rest)
        const broken = async (): Promise<void> => {
          throw new RingfenceError('provider.failed', 'the engine is away')
        }
        return isBroken && state.id === 'run_a-s1' ? { ...made, destroy: broken } : made
      },
    }
    const first = await sweep({ journal, sandbox })
    expect(first.swept).toEqual([{ runId: 'run_b', intentId: 's1' }])
    expect(first.failed).toMatchObject([{ runId: 'run_a', error: { code: 'provider.failed' } }])
    expect((await readAll(journal, 'run_a')).map(({ type }) => type)).not.toContain('sandbox.release')
    expect(await journal.lease('run_a')).toBeUndefined()
    isBroken = false
    expect(await sweep({ journal, sandbox })).toEqual({ swept: [{ runId: 'run_a', intentId: 's1' }], kept: [], failed: [] })
  })

  it('as a required sink keeps the sandbox', async () => {
    const { journal, world } = await leftBehind()
    const audit = { required: true, write: () => Promise.reject(new Error('full')) }
    const { swept, failed } = await sweep({ journal, sandbox: world.provider, audit })
    expect(swept).toEqual([])
    expect(failed.map(({ error }) => code('audit.failed')(error))).toEqual([true, true])
    expect(world.ended).toEqual([])
  })

  it('in one journal leaves the others', async () => {
    const { journal, world } = await leftBehind()
    const damaged: JournalStore = {
      ...journal,
      async *read(runId, from) {
        for await (const record of journal.read(runId, from)) yield runId === 'run_a' ? { ...record, prevHash: 'x' } : record
      },
    }
    const { swept, failed } = await sweep({ journal: damaged, sandbox: world.provider })
    expect(swept).toEqual([{ runId: 'run_b', intentId: 's1' }])
    expect(failed).toMatchObject([{ runId: 'run_a', error: { code: 'journal.corrupt' } }])
  })

  it('when the driver of the sweep dies before it is written down, ends nothing twice', async () => {
    const { journal, world } = await leftBehind()
    const dying: JournalStore = {
      ...journal,
      append: () => Promise.reject(new RingfenceError('journal.failed', 'the disk is away')),
    }
    expect((await sweep({ journal: dying, sandbox: world.provider })).failed).toHaveLength(2)
    expect(world.ended).toEqual(['run_a-s1', 'run_b-s1'])
    const { kept } = await sweep({ journal, sandbox: world.provider })
    expect(kept.map(({ reason }) => reason)).toEqual(['not-found', 'not-found'])
    expect(world.ended).toHaveLength(2)
  })

  it('as an option is refused', async () => {
    const { journal, world } = await leftBehind()
    for (const options of [{ leaseMs: 0 }, { leaseMs: Number.NaN }, { leaseMs: 10_000, sandboxLifetimeMs: 9000 }])
      await expect(sweep({ journal, sandbox: world.provider, ...options })).rejects.toSatisfy(code('config.invalid'))
    const stop = AbortSignal.abort('stop')
    await expect(sweep({ journal, sandbox: world.provider, signal: stop })).rejects.toBe('stop')
    expect(world.ended).toEqual([])
  })
})

describe('the cost', () => {
  /** Counts the journals that are read. */
  function counting(journal: JournalStore): { store: JournalStore; read: string[] } {
    const read: string[] = []
    return {
      read,
      store: {
        ...journal,
        read(runId, from) {
          read.push(runId)
          return journal.read(runId, from)
        },
      },
    }
  }

  it('is that of the journals that were written to since the last time', async () => {
    const runtime = skewedRuntime()
    const journal = memoryJournal({ runtime })
    const world = fakeSandboxes()
    for (let index = 0; index < 50; index += 1) await writeSteps(journal, `run_${index}`, [start, intent(1), release(1, true), end])
    await writeSteps(journal, 'run_open', [start])
    const { store, read } = counting(journal)
    const options = { journal: store, sandbox: world.provider, runtime }
    await sweep(options)
    expect(read).toHaveLength(51)
    read.length = 0
    expect((await sweep(options)).kept).toEqual([{ runId: 'run_open', reason: 'unended' }])
    expect(read).toEqual([])
    makeSandbox(world, 'run_open-s1')
    await writeSteps(journal, 'run_open', [intent(1), end])
    expect((await sweep(options)).swept).toEqual([{ runId: 'run_open', intentId: 's1' }])
    // Once to see, and once more under the lease.
    expect(read).toEqual(['run_open', 'run_open'])
  })

  it('is nothing for runs that nobody wrote to for longer than a sandbox lives on', async () => {
    const runtime = skewedRuntime()
    const journal = memoryJournal({ runtime })
    const world = fakeSandboxes()
    makeSandbox(world, S1)
    await writeSteps(journal, RUN, [start, intent(1), ready(1, S1), end])
    runtime.skip(2 * 86_400_000)
    const { store, read } = counting(journal)
    expect(await sweep({ journal: store, sandbox: world.provider, runtime })).toEqual({ swept: [], kept: [], failed: [] })
    expect(read).toEqual([])
    const sandboxLifetimeMs = 7 * 86_400_000
    expect((await sweep({ journal: store, sandbox: world.provider, runtime, sandboxLifetimeMs })).swept).toHaveLength(1)
  })
})
