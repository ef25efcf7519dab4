import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SuspendFacet, systemRuntime } from '@ringfence/core'
import { describe, expect, it } from 'vitest'
import { local } from '../src/index.ts'
import { type Layout, layoutOf } from '../src/layout.ts'
import { drain, groupsOf, harness, kill, type LocalSandbox, processesWith, requestOf, run, sh, testRoom, until } from './support.ts'

const room = testRoom()
const provider = local({ directory: room.directory })
const LONG = 600_000
const UNIFIED = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => existsSync(join(path, 'cgroup.controllers')))
const canFreeze = provider.resolve().facets.suspend !== 'never'

const COUNT = 'i=0; while :; do i=$((i + 1)); echo $i >/workspace/.count; mv /workspace/.count /workspace/count; done'

function facetOf({ suspend }: LocalSandbox): SuspendFacet {
  if (!suspend) throw new Error('the sandbox cannot be paused')
  return suspend
}

/** What the kernel says of the freezer of a sandbox. */
function isFrozen(groups: readonly string[]): boolean {
  return groups.some((group) =>
    [
      ['freezer.state', 'FROZEN'],
      ['cgroup.events', 'frozen 1'],
    ].some(([file = '', text = '']) => existsSync(join(group, file)) && readFileSync(join(group, file), 'utf8').includes(text)),
  )
}

/** How far a counter inside has come, read from outside. */
function counter(layout: Layout): () => number {
  const path = join(layout.workspace, 'count')
  return () => (existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0)
}

/** Moves a sandbox into a group of version 2, as one that was made where there are no others. */
async function onVersion2(sandbox: LocalSandbox, lifetimeMs: number): Promise<LocalSandbox> {
  const layout = layoutOf(room.directory, sandbox.info.id)
  const group = join(UNIFIED ?? '', `ringfence-test-${layout.id}`)
  mkdirSync(group)
  for (const pid of readFileSync(join(groupsOf(room, layout.id)[0] ?? '', 'cgroup.procs'), 'utf8')
    .split('\n')
    .filter(Boolean))
    writeFileSync(join(group, 'cgroup.procs'), pid)
  writeFileSync(layout.cgroups, [group, ...groupsOf(room, layout.id), ''].join('\n'))
  return provider.resume(sandbox.state, { lifetimeMs }, systemRuntime)
}

const KINDS = [
  { title: 'as it is made here', runs: canFreeze, make: async (sandbox: LocalSandbox) => sandbox },
  { title: 'in a group of version 2', runs: canFreeze && process.getuid?.() === 0 && UNIFIED !== undefined, make: onVersion2 },
]

describe.each(KINDS)('a sandbox $title', ({ runs, make }) => {
  it.runIf(runs)('stands still while it is paused, and goes on where it stood', async () => {
    const sandbox = await make(await room.create(), LONG)
    const count = counter(layoutOf(room.directory, sandbox.info.id))
    await sandbox.spawn(['sh', '-c', COUNT])
    await until(() => count() > 0)
    const suspend = facetOf(sandbox)
    await suspend.pause()
    expect(isFrozen(groupsOf(room, sandbox.info.id))).toBe(true)
    const before = count()
    const other = await room.create()
    for (let i = 0; i < 20; i++) await sh(other, 'echo busy')
    expect(count()).toBe(before)
    await suspend.pause()
    await suspend.resume()
    await suspend.resume()
    expect(isFrozen(groupsOf(room, sandbox.info.id))).toBe(false)
    await until(() => count() > before)
    await sandbox.destroy()
  })

  it.runIf(runs)('is destroyed while it is paused, and nothing of it is left', async () => {
    const sandbox = await make(await room.create(), LONG)
    const { id } = sandbox.info
    const groups = groupsOf(room, id)
    const process = await sandbox.spawn(['sh', '-c', 'setsid sleep 1000 & sleep 1000'])
    const reading = drain(process)
    reading.catch(() => undefined)
    await facetOf(sandbox).pause()
    await sandbox.destroy()
    await expect(reading).rejects.toMatchObject({ code: 'sandbox.closed' })
    expect(existsSync(join(room.directory, id))).toBe(false)
    expect(groups.filter((path) => existsSync(path))).toEqual([])
    await until(() => processesWith(id).length === 0)
    await expect(provider.resume(sandbox.state, { lifetimeMs: LONG }, systemRuntime)).rejects.toMatchObject({ code: 'sandbox.gone' })
  })

  it.runIf(runs)('ends at the end of its lifetime while it is paused', async () => {
    const sandbox = await make(await room.create({ lifetimeMs: 15_000 }), 15_000)
    const { id } = sandbox.info
    const groups = groupsOf(room, id)
    await facetOf(sandbox).pause()
    expect(isFrozen(groups)).toBe(true)
    await until(() => !existsSync(join(room.directory, id)))
    await until(() => processesWith(id).length === 0)
    expect(groups.filter((path) => existsSync(path))).toEqual([])
    await expect(facetOf(sandbox).pause()).rejects.toMatchObject({ code: 'sandbox.gone' })
    await expect(facetOf(sandbox).resume()).rejects.toMatchObject({ code: 'sandbox.gone' })
  })
})

describe.runIf(canFreeze)('a paused sandbox', () => {
  it('lets calls wait until it goes on', async () => {
    const sandbox = await room.create()
    const sleeper = await sandbox.spawn(['sleep', '1000'])
    const suspend = facetOf(sandbox)
    await suspend.pause()
    const started = run(sandbox, ['echo', 'late'])
    await sleeper.kill?.('SIGTERM')
    await suspend.resume()
    expect((await started).stdout.toString()).toBe('late\n')
    expect((await drain(sleeper)).exit.signal).toBe('SIGTERM')
  })

  it('goes on for whoever attaches to it, or asks for it again', async () => {
    const request = requestOf()
    const sandbox = await provider.create(request, systemRuntime)
    const suspend = facetOf(sandbox)
    for (const attach of [
      () => provider.resume(sandbox.state, { lifetimeMs: LONG }, systemRuntime),
      () => provider.create(request, systemRuntime),
    ]) {
      await suspend.pause()
      const again = await attach()
      expect(await sh(again, 'echo goes on')).toBe('goes on')
      await again.release()
    }
    await sandbox.release()
    await expect(suspend.pause()).rejects.toMatchObject({ code: 'sandbox.closed' })
    await (await provider.resume(sandbox.state, { lifetimeMs: LONG }, systemRuntime)).destroy()
    await expect(suspend.resume()).rejects.toMatchObject({ code: 'sandbox.closed' })
  })

  it('survives kill -9 of its harness, and another process lets it go on', async () => {
    const { child, state } = await harness(room, 'paused', '600000', 'pause')
    await kill(child)
    expect(isFrozen(groupsOf(room, state.id))).toBe(true)
    const sandbox = await provider.resume(state, { lifetimeMs: LONG }, systemRuntime)
    await sh(sandbox, 'touch /workspace/stop')
    await until(async () => (await sh(sandbox, 'tail -n 1 /workspace/log')) === 'end')
    await sandbox.destroy()
  })

  it('leaves nothing after its lease when its harness is dead', async () => {
    const { child, state } = await harness(room, 'paused-lease', '15000', 'pause')
    const groups = groupsOf(room, state.id)
    await kill(child)
    expect(isFrozen(groups)).toBe(true)
    expect(processesWith(state.id)).not.toEqual([])
    await until(() => !existsSync(join(room.directory, state.id)))
    await until(() => processesWith(state.id).length === 0)
    expect(groups.filter((path) => existsSync(path))).toEqual([])
  })

  it('is cleared away when its keeper was killed too', async () => {
    const { child, state } = await harness(room, 'paused-keeper', '600000', 'pause')
    const groups = groupsOf(room, state.id)
    for (const pid of processesWith(join(room.directory, state.id))) {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/keeper')) process.kill(pid, 'SIGKILL')
    }
    await kill(child)
    expect(isFrozen(groups)).toBe(true)
    const next = await harness(room, 'next', '60000', 'idle')
    await kill(next.child)
    expect(existsSync(join(room.directory, state.id))).toBe(false)
    await until(() => processesWith(state.id).length === 0)
    expect(groups.filter((path) => existsSync(path))).toEqual([])
    await (await provider.resume(next.state, { lifetimeMs: LONG }, systemRuntime)).destroy()
  })
})

it('says in its profile whether it can be paused', async () => {
  const sandbox = await room.create()
  expect(provider.profile.facets.suspend).toBe('varies')
  expect(sandbox.profile.facets.suspend).toBe(canFreeze ? 'varies' : 'never')
  expect(sandbox.suspend === undefined).toBe(!canFreeze)
  const open = await room.create({ isolation: 'none', egress: 'open' }, { isolation: 'none' })
  expect(open.profile.facets.suspend).toBe('never')
  expect(open.suspend).toBeUndefined()
})
