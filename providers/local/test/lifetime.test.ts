import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemRuntime } from '@ringfence/core'
import { expect, it } from 'vitest'
import { cgroupHost } from '../src/cgroup-host.ts'
import { local } from '../src/index.ts'
import { drain, groupsOf, harness, kill, processesWith, requestOf, sh, testRoom, until } from './support.ts'

const room = testRoom()
const resumeRequest = { lifetimeMs: 600_000 }

it('survives kill -9 of its harness, and another process goes on', async () => {
  const { child, state } = await harness(room, 'one')
  await kill(child)
  const provider = local({ directory: room.directory })
  expect(await provider.find?.({ installation: 'test', runId: 'survive', intentId: 'one' }, systemRuntime)).toEqual(state)
  const sandbox = await provider.resume(state, resumeRequest, systemRuntime)
  const lines = async (): Promise<number> => Number(await sh(sandbox, 'wc -l < /workspace/log'))
  const before = await lines()
  await until(async () => (await lines()) > before)
  await sh(sandbox, 'touch /workspace/stop')
  await until(async () => (await sh(sandbox, 'tail -n 1 /workspace/log')) === 'end')
  await sandbox.release()
  expect(await provider.find?.({ installation: 'test', runId: 'survive', intentId: 'one' }, systemRuntime)).toEqual(state)
  const again = await provider.resume(state, resumeRequest, systemRuntime)
  expect(await sh(again, 'tail -n 1 /workspace/log')).toBe('end')
  await again.destroy()
  await expect(provider.resume(state, resumeRequest, systemRuntime)).rejects.toMatchObject({ code: 'sandbox.gone' })
})

it('leaves nothing when nobody prolongs it: no process, no group, no directory', async () => {
  const { child, state } = await harness(room, 'two', '1500')
  const groups = groupsOf(room, state.id)
  expect(groups.length > 0).toBe(cgroupHost() !== undefined)
  await kill(child)
  await until(() => !existsSync(join(room.directory, state.id)))
  await until(() => processesWith(state.id).length === 0)
  expect(groups.filter((path) => existsSync(path))).toEqual([])
  const provider = local({ directory: room.directory })
  expect(await provider.find?.({ installation: 'test', runId: 'survive', intentId: 'two' }, systemRuntime)).toBeUndefined()
})

it('lives on when it is prolonged, and is never shortened', async () => {
  const sandbox = await room.create({ lifetimeMs: 1500 })
  await sandbox.lifetime.extend(600_000)
  await sandbox.lifetime.extend(1)
  // A second sandbox whose lease begins later and ends at the same time as the first one's did is gone first.
  const other = await room.create({ lifetimeMs: 1600 })
  await until(() => !existsSync(join(room.directory, other.info.id)))
  expect(await sh(sandbox, 'echo alive')).toBe('alive')
  await expect(other.lifetime.extend(1000)).rejects.toMatchObject({ code: 'sandbox.gone' })
  await expect(sandbox.lifetime.extend(0)).rejects.toMatchObject({ code: 'config.invalid' })
})

it('destroys all of it, also what ran, twice, and from another handle', async () => {
  const sandbox = await room.create()
  const { id } = sandbox.info
  const groups = groupsOf(room, id)
  const process = await sandbox.spawn(['sh', '-c', 'setsid sleep 1000 & chmod 000 /workspace; sleep 1000'])
  const reading = drain(process)
  reading.catch(() => undefined)
  const second = await local({ directory: room.directory }).resume(sandbox.state, resumeRequest, systemRuntime)
  await Promise.all([sandbox.destroy(), second.destroy()])
  await sandbox.destroy()
  await expect(reading).rejects.toMatchObject({ code: 'sandbox.closed' })
  expect(existsSync(join(room.directory, id))).toBe(false)
  expect(groups.filter((path) => existsSync(path))).toEqual([])
  await until(() => processesWith(id).length === 0)
})

it('makes one sandbox of one intent, also at once, and refuses another kind of it', async () => {
  const provider = local({ directory: room.directory })
  const request = requestOf()
  const handles = await Promise.all(Array.from({ length: 4 }, () => provider.create(request, systemRuntime)))
  expect(new Set(handles.map(({ state }) => JSON.stringify(state))).size).toBe(1)
  expect(await Promise.all(handles.map((handle) => sh(handle, 'echo >> /workspace/mark; wc -l < /workspace/mark')))).toHaveLength(4)
  await expect(provider.create({ ...request, egress: 'open' }, systemRuntime)).rejects.toMatchObject({ code: 'config.invalid' })
  for (const handle of handles) await handle.destroy()
  const next = await provider.create(request, systemRuntime)
  const first = handles[0]
  if (!first) throw new Error('no handle')
  expect(next.state.data).not.toEqual(first.state.data)
  await expect(provider.resume(first.state, resumeRequest, systemRuntime)).rejects.toMatchObject({ code: 'sandbox.gone' })
  await first.destroy()
  expect(await sh(next, 'ls /workspace | wc -l')).toBe('0')
  await next.destroy()
})

it('clears away what a killed keeper left', async () => {
  const { child, state } = await harness(room, 'three', '600000', 'idle')
  const keepers = processesWith(join(room.directory, state.id)).filter((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('/keeper'),
  )
  for (const pid of keepers) process.kill(pid, 'SIGKILL')
  await kill(child)
  const provider = local({ directory: room.directory })
  await expect(provider.resume(state, resumeRequest, systemRuntime)).rejects.toMatchObject({ code: 'sandbox.gone' })
  const groups = groupsOf(room, state.id)
  const { child: next } = await harness(room, 'four', '60000', 'idle')
  await kill(next)
  await until(() => processesWith(state.id).length === 0)
  expect(existsSync(join(room.directory, state.id))).toBe(false)
  expect(groups.filter((path) => existsSync(path))).toEqual([])
  const found = await provider.find?.({ installation: 'test', runId: 'survive', intentId: 'four' }, systemRuntime)
  if (!found) throw new Error('the sandbox is not found')
  await (await provider.resume(found, resumeRequest, systemRuntime)).destroy()
  expect(readdirSync(room.directory).filter((name) => name.startsWith('.'))).toEqual([])
})

it('refuses states that are not its own', async () => {
  const provider = local({ directory: room.directory })
  const state = { provider: 'local', id: '../../etc', data: { generation: 'x' } }
  await expect(provider.resume(state, resumeRequest, systemRuntime)).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(provider.resume({ ...state, id: 'a'.repeat(32) }, resumeRequest, systemRuntime)).rejects.toMatchObject({
    code: 'sandbox.gone',
  })
})
