import { type CreateRequest, type Provider, type Sandbox, systemRuntime } from '@ringfence/core'
import { local } from '@ringfence/provider-local'
import { expect, test } from 'vitest'
import { openWorkspace, sandboxPool } from '../src/index.ts'
import { hostProvider } from './host-provider.ts'

/** Counts what is made and ended, and what is spawned in it. */
function counted(provider: Provider): Provider & { made: CreateRequest[]; ended: string[]; spawned: string[][]; sandboxes: Sandbox[] } {
  const made: CreateRequest[] = []
  const ended: string[] = []
  const spawned: string[][] = []
  const sandboxes: Sandbox[] = []
  return {
    ...provider,
    made,
    ended,
    spawned,
    sandboxes,
    async create(request, context) {
      made.push(request)
      const sandbox = await provider.create(request, context)
      sandboxes.push(sandbox)
      return {
        ...sandbox,
        spawn(argv, spawn) {
          spawned.push([...argv])
          return sandbox.spawn(argv, spawn)
        },
        async destroy() {
          ended.push(sandbox.info.id)
          await sandbox.destroy()
        },
      }
    },
  }
}

const OPEN = { minimumIsolation: 'none', egress: 'open' } as const

test('a workspace takes one that waits, with its shell, and another is made in its place', async () => {
  const provider = counted(local())
  await using pool = sandboxPool({ sandbox: provider, prewarm: 2 })
  await pool.ready()
  expect(provider.made).toHaveLength(2)
  const waiting = provider.sandboxes.map(({ info }) => info.id)
  const spawned = provider.spawned.length
  const workspace = await openWorkspace({ sandbox: pool })
  expect(waiting).toContain(workspace.sandboxId)
  expect((await workspace.exec('echo warm')).stdout).toBe('warm\n')
  await pool.ready()
  expect(provider.made).toHaveLength(3)
  // All that was spawned since is the shell of the third one.
  expect(provider.spawned.slice(spawned)).toEqual([['sh']])
  await workspace.destroy()
  expect(provider.ended).toEqual([workspace.sandboxId])
})

test('two that ask at once never get the same one, and more than wait are made', async () => {
  const provider = counted(hostProvider())
  await using pool = sandboxPool({ sandbox: provider, prewarm: 2, policy: OPEN })
  await pool.ready()
  const workspaces = await Promise.all(Array.from({ length: 5 }, () => openWorkspace({ sandbox: pool, policy: OPEN })))
  expect(new Set(workspaces.map(({ sandboxId }) => sandboxId)).size).toBe(5)
  for (const workspace of workspaces) await workspace.destroy()
})

test('another policy gets a sandbox of its own', async () => {
  const provider = counted(local())
  await using pool = sandboxPool({ sandbox: provider, prewarm: 1 })
  await pool.ready()
  const waiting = provider.sandboxes[0]?.info.id
  const workspace = await openWorkspace({ sandbox: pool, policy: { limits: { processes: 100 } } })
  expect(workspace.sandboxId).not.toBe(waiting)
  expect(provider.made.at(-1)?.limits).toEqual({ processes: 100 })
  await workspace.destroy()
})

test('a workspace from the pool is attached to again, through the provider too', async () => {
  await using pool = sandboxPool({ sandbox: local(), prewarm: 1 })
  await pool.ready()
  const first = await openWorkspace({ sandbox: pool })
  await first.writeFile('a', 'kept')
  await first.release()
  const second = await openWorkspace({ sandbox: local(), resume: first.state })
  expect(await second.readText('a')).toBe('kept')
  await second.destroy()
})

test('one that died while it waited breaks nothing', async () => {
  const provider = counted(local())
  await using pool = sandboxPool({ sandbox: provider, prewarm: 1, leaseMs: 1500 })
  await pool.ready()
  const [spare] = provider.sandboxes
  if (!spare) throw new Error('no sandbox waits')
  await (await local().resume(spare.state, { lifetimeMs: 60_000 }, systemRuntime)).destroy()
  await expect.poll(() => provider.made.length, { timeout: 30_000 }).toBe(2)
  await pool.ready()
  const workspace = await openWorkspace({ sandbox: pool })
  expect((await workspace.exec('echo alive')).stdout).toBe('alive\n')
  await workspace.destroy()
})

test('close ends those that wait, and those that are on their way', async () => {
  const provider = counted(hostProvider())
  const pool = sandboxPool({ sandbox: provider, prewarm: 3, policy: OPEN })
  await pool.close()
  await pool.close()
  expect(provider.ended.sort()).toEqual(provider.sandboxes.map(({ info }) => info.id).sort())
  const workspace = await openWorkspace({ sandbox: pool, policy: OPEN })
  await workspace.destroy()
})

test('a provider that fails is told by ready, and by who asks; nothing is tried without end', async () => {
  let tries = 0
  const broken: Provider = {
    ...hostProvider(),
    create: async () => {
      tries += 1
      throw new Error('the provider of the test fails')
    },
  }
  await using pool = sandboxPool({ sandbox: broken, prewarm: 1, policy: OPEN })
  await expect(pool.ready()).rejects.toThrow('the provider of the test fails')
  expect(tries).toBeLessThan(4)
  await expect(openWorkspace({ sandbox: pool, policy: OPEN })).rejects.toThrow('the provider of the test fails')
})

test('what cannot be is refused before anything is made', async () => {
  const provider = counted(hostProvider())
  for (const prewarm of [0, -1, 1.5, 1001]) expect(() => sandboxPool({ sandbox: provider, prewarm, policy: OPEN })).toThrow(/is none/)
  expect(() => sandboxPool({ sandbox: provider, prewarm: 1, policy: { minimumIsolation: 'microvm' } })).toThrow(/isolation/)
  expect(provider.made).toEqual([])
})
