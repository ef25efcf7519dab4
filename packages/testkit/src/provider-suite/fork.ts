import { file, type NativeSnapshot, type Policy, secret } from '@ringfence/core'
import { deleteSnapshot, memorySnapshots, type Workspace } from '@ringfence/workspace'
import { expectCode, expectEqual, expectTrue } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { engineSnapshots, ownForks } from './features.ts'
import { open, type ProviderRequirement, type ProviderSubject, requirement } from './subject.ts'
import { ODD_TREE, TREE } from './trees.ts'

async function forkOf(workspace: Workspace, context: RequirementContext): Promise<Workspace> {
  const fork = await workspace.fork({ signal: context.signal })
  context.defer(() => fork.destroy())
  return fork
}

/** A snapshot of the provider that is given up at the end. */
async function native(
  { provider }: ProviderSubject,
  workspace: Workspace,
  { runtime, defer }: RequirementContext,
): Promise<NativeSnapshot> {
  const snapshot = await workspace.nativeSnapshot()
  defer(() => deleteSnapshot(provider, snapshot, runtime))
  return snapshot
}

/** A file that is a secret, with another value each time that it is asked for. */
function changingSecret(): { policy: Policy; last: () => string } {
  let count = 0
  const value = (): string => `fork-secret-${count}-8c1e07`
  const key = secret.from('KEY', () => {
    count += 1
    return value()
  })
  return { policy: { secrets: [{ secret: key, sandbox: { file: 'key', acknowledge: 'file:key' } }] }, last: value }
}

const forks: readonly ProviderRequirement[] = [
  requirement(
    'fork.tree',
    'A fork has an equal tree: links, execute bits, empty folders, odd and non-UTF-8 names.',
    async (subject, context) => {
      const workspace = await open(subject, context, { snapshots: memorySnapshots() })
      await workspace.exec(ODD_TREE)
      const fork = await forkOf(workspace, context)
      const tree = (await workspace.exec(TREE)).stdout
      expectTrue(tree.includes('L ./dangling -> nowhere'), 'The tree is not told')
      expectEqual((await fork.exec(TREE)).stdout, tree, 'The tree')
    },
  ),
  requirement(
    'fork.independent',
    'A fork has a run of its own; what one does the other does not see, and it outlives the first.',
    async (subject, context) => {
      const workspace = await open(subject, context, { snapshots: memorySnapshots() })
      await workspace.writeFile('f', 'shared')
      const fork = await forkOf(workspace, context)
      await fork.writeFile('f', 'of the fork')
      expectEqual([await workspace.readText('f'), await fork.readText('f')], ['shared', 'of the fork'], 'The contents')
      expectTrue(fork.state.runId !== workspace.state.runId, 'The fork has the run of the first')
      await workspace.destroy()
      expectEqual((await fork.exec('cat f')).stdout, 'of the fork', 'What the fork says when the first has ended')
    },
  ),
  requirement('fork.ephemeral', 'Ephemeral entries of the first are not in a fork: they are put anew.', async (subject, context) => {
    const manifest = { entries: { kept: file('old'), 'cache/once': file('fresh', { ephemeral: true }) } }
    const workspace = await open(subject, context, { snapshots: memorySnapshots(), manifest })
    await workspace.exec('echo changed > cache/once; echo changed > kept')
    const fork = await forkOf(workspace, context)
    expectEqual([await fork.readText('cache/once'), await fork.readText('kept')], ['fresh', 'changed\n'], 'The contents')
  }),
  requirement('fork.secrets', 'Secrets of the first are not in a fork: they are asked for and put anew.', async (subject, context) => {
    const { policy, last } = changingSecret()
    const workspace = await open(subject, context, { snapshots: memorySnapshots(), policy })
    const first = last()
    const fork = await forkOf(workspace, context)
    expectTrue(last() !== first, 'The secret was not asked for')
    const { exitCode } = await fork.exec('[ "$(cat key)" = "$WANTED" ]', { env: { WANTED: last() } })
    expectEqual(exitCode, 0, 'Whether the slot has the new value')
  }),
  requirement(
    'fork.without-store',
    'Where the provider keeps snapshots, a fork needs no store; elsewhere one without a store is refused.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec('echo shared > f')
      const fork = await forkOf(workspace, context)
      await fork.exec('echo changed > f')
      expectEqual([await workspace.readText('f'), await fork.readText('f')], ['shared\n', 'changed\n'], 'The contents')
    },
    ownForks,
  ),
]

const natives: readonly ProviderRequirement[] = [
  requirement(
    'snapshot.native.new-life',
    'A workspace from a snapshot of the provider is a new life: the files are there, the commands of the first are not.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.exec('echo x >> count', { opId: 'op-1' })
      const from = JSON.parse(JSON.stringify(await native(subject, workspace, context)))
      const copy = await open(subject, context, { from })
      expectEqual(await copy.readText('count'), 'x\n', 'The content')
      await expectCode(copy.attach('op-1'), 'exec.lost')
      await copy.exec('echo x >> count', { opId: 'op-1' })
      expectEqual(await copy.readText('count'), 'x\nx\n', 'What the command did in the second life')
      expectEqual((await (await workspace.attach('op-1')).exit).exitCode, 0, 'The receipt of the first')
    },
    engineSnapshots,
  ),
  requirement(
    'snapshot.native.manifest',
    'Into a workspace from a snapshot of the provider only the ephemeral entries of a manifest are put.',
    async (subject, context) => {
      const workspace = await open(subject, context, { manifest: { entries: { kept: file('old') } } })
      await workspace.writeFile('kept', 'changed')
      const from = await native(subject, workspace, context)
      const manifest = { entries: { kept: file('old'), once: file('fresh', { ephemeral: true }) } }
      const copy = await open(subject, context, { from, manifest })
      expectEqual([await copy.readText('kept'), await copy.readText('once')], ['changed', 'fresh'], 'The contents')
    },
    engineSnapshots,
  ),
  requirement(
    'snapshot.native.kept-out',
    'Of a workspace with ephemeral entries or secrets no snapshot of the provider is taken: it would keep them.',
    async (subject, context) => {
      const once = await open(subject, context, { manifest: { entries: { once: file('x', { ephemeral: true }) } } })
      await expectCode(once.nativeSnapshot(), 'feature.unsupported', 'nativeSnapshot with an ephemeral entry')
      const placed = await open(subject, context, { policy: changingSecret().policy })
      await expectCode(placed.nativeSnapshot(), 'feature.unsupported', 'nativeSnapshot with a secret')
    },
    engineSnapshots,
  ),
]

export const forkRequirements: readonly ProviderRequirement[] = [...forks, ...natives]
