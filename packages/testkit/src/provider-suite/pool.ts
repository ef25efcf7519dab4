import type { Provider, SandboxState } from '@ringfence/core'
import { type SandboxPool, sandboxPool } from '@ringfence/workspace'
import { expectCode, expectEqual, expectTrue } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { open, type ProviderRequirement, type ProviderSubject, requirement } from './subject.ts'

/** A pool that is closed at the end, and the states of the sandboxes that were made for it, in order. */
async function poolOf(
  { provider, policy }: ProviderSubject,
  { runtime, defer }: RequirementContext,
  prewarm: number,
): Promise<{ pool: SandboxPool; made: readonly SandboxState[] }> {
  const made: SandboxState[] = []
  const watched: Provider = {
    ...provider,
    async create(request, context) {
      const sandbox = await provider.create(request, context)
      made.push(sandbox.state)
      return sandbox
    },
  }
  const pool = sandboxPool({ sandbox: watched, prewarm, policy, runtime })
  defer(() => pool.close())
  await pool.ready()
  return { pool, made }
}

export const poolRequirements: readonly ProviderRequirement[] = [
  requirement('pool.taken', 'A workspace gets a sandbox of the pool that waits, and works in it.', async (subject, context) => {
    const { pool, made } = await poolOf(subject, context, 1)
    const [waiting] = made
    const workspace = await open({ ...subject, provider: pool }, context)
    expectEqual(workspace.state.sandbox, waiting, 'The sandbox of the workspace')
    expectEqual((await workspace.exec('echo on; pwd')).stdout, `on\n${workspace.root}\n`, 'What runs in it')
  }),
  requirement('pool.apart', 'Workspaces that ask at once get sandboxes of their own, also more than wait.', async (subject, context) => {
    const { pool } = await poolOf(subject, context, 1)
    const workspaces = await Promise.all([1, 2, 3].map(() => open({ ...subject, provider: pool }, context)))
    await Promise.all(workspaces.map((workspace, index) => workspace.writeFile(`f${index}`, '')))
    for (const [index, workspace] of workspaces.entries())
      expectEqual(
        (await workspace.list('.')).map(({ name }) => name),
        [`f${index}`],
        'What is there',
      )
  }),
  requirement('pool.closed', 'Closing a pool ends those that wait, and none that was taken.', async (subject, context) => {
    const { pool, made } = await poolOf(subject, context, 1)
    const workspace = await open({ ...subject, provider: pool }, context)
    await pool.ready()
    await pool.close()
    await pool.close()
    const waited = made.filter(({ id }) => id !== workspace.state.sandbox.id)
    expectTrue(waited.length > 0 && made.length > waited.length, 'None waited, or none was taken')
    for (const state of waited)
      await expectCode(subject.provider.resume(state, { lifetimeMs: 60_000 }, context.runtime), 'sandbox.gone', 'resume of one that waited')
    expectEqual((await workspace.exec('echo on')).stdout, 'on\n', 'What runs in the one that was taken')
  }),
]
