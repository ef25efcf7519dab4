import { type NativeSnapshot, RingfenceError } from '@ringfence/core'
import { workspaceDiff } from './diff/workspace-diff.ts'
import { workspaceRelative } from './files/index.ts'
import type { OpenWorkspaceOptions } from './options.ts'
import type { Opened, Plan } from './plan.ts'
import { takeSnapshot } from './snapshot/index.ts'
import type { Workspace } from './workspace.ts'

export type WorkspaceContent = Pick<Workspace, 'diff' | 'snapshot' | 'nativeSnapshot' | 'fork'>

/** What takes the content of a workspace out of it, as a whole. */
export function workspaceContent(
  plan: Plan,
  { sandbox, exec, ephemeral, reserved }: Opened,
  open: (options: OpenWorkspaceOptions) => Promise<Workspace>,
): WorkspaceContent {
  const { runtime, audit, redactor, options } = plan
  const { onEvent, snapshots } = options
  const root = sandbox.info.workspace

  const snapshot: Workspace['snapshot'] = async ({ signal } = {}) => {
    if (!snapshots)
      throw new RingfenceError('config.invalid', 'This workspace has no snapshot store', {
        hint: 'Open it with `snapshots`.',
        effect: 'none',
      })
    const exclude = [...ephemeral, ...reserved]
    const ref = await takeSnapshot({ shell: exec.shell, root, store: snapshots, exclude, clock: runtime.clock, signal })
    onEvent?.({ type: 'snapshot', id: ref.id, treeDigest: ref.treeDigest })
    return ref
  }

  /** A provider keeps all that it finds: what must not be kept must not be there. */
  const staysOut = [...ephemeral, ...reserved]

  const nativeSnapshot: Workspace['nativeSnapshot'] = async ({ signal } = {}) => {
    const { name } = sandbox.profile
    if (!sandbox.snapshot)
      throw new RingfenceError('feature.unsupported', `"${name}" makes no snapshots of its own here`, {
        hint: 'Use `snapshot()` with a snapshot store, which works everywhere.',
        effect: 'none',
      })
    if (staysOut.length > 0)
      throw new RingfenceError('feature.unsupported', `"${name}" would keep "${staysOut.join('", "')}", which no snapshot may hold`, {
        hint: 'Use `snapshot()` with a snapshot store, which leaves them out.',
        effect: 'none',
      })
    return sandbox.snapshot.take({ signal })
  }

  /** A fork is a run of its own: nothing that names the first one goes along, and its secrets are read anew. */
  const forked = (): OpenWorkspaceOptions => {
    const { resume: _resume, runId: _runId, intentId: _intentId, epoch: _epoch, from: _from, secrets: _secrets, ...rest } = options
    return rest
  }

  const forkNatively = async (native: NativeSnapshot, signal: AbortSignal | undefined): Promise<Workspace> => {
    try {
      return await open({ ...forked(), from: native, signal })
    } finally {
      // It stands in nobody's way when it cannot be given up now: the provider's own list shows it.
      await options.sandbox.deleteSnapshot?.(native, runtime).catch(() => undefined)
    }
  }

  return {
    snapshot,
    nativeSnapshot,
    async diff(path = '.') {
      await audit('export', 'allowed', { kind: 'diff', path })
      return redactor.text(await workspaceDiff(exec.shell, workspaceRelative(root, path) || '.'))
    },
    async fork({ signal } = {}) {
      if (sandbox.snapshot && staysOut.length === 0) return forkNatively(await nativeSnapshot({ signal }), signal)
      return open({ ...forked(), from: await snapshot({ signal }), signal })
    },
  }
}
