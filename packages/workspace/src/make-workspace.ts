import { RingfenceError, type SuspendFacet, type WorkspaceHandle } from '@ringfence/core'
import { guard, guardCalls } from './guard.ts'
import { keepAlive } from './lifecycle/keep-alive.ts'
import type { OpenWorkspaceOptions } from './options.ts'
import type { Opened, Plan } from './plan.ts'
import { openPorts } from './ports/index.ts'
import { restrict } from './restrict.ts'
import type { Workspace } from './workspace.ts'
import { workspaceCommands } from './workspace-commands.ts'
import { workspaceContent } from './workspace-content.ts'

/** Puts the parts together: each call checks that the workspace is open, asks the policy, and tells what happens. */
export function makeWorkspace(plan: Plan, opened: Opened, open: (options: OpenWorkspaceOptions) => Promise<Workspace>): Workspace {
  const { runtime, runId, audit, redactor, options } = plan
  const { sandbox, exec, files, ephemeral } = opened
  const { id, workspace: root } = sandbox.info
  let closed = false
  let ending: Promise<void> | undefined
  const guarded = guard(id, redactor, () => closed)
  const stopHeart = sandbox.lifetime ? keepAlive(sandbox.lifetime, plan.leaseMs, runtime.clock) : () => undefined
  const ports = openPorts({ sandbox, shell: exec.shell, audit, onEvent: options.onEvent })
  const content = workspaceContent(plan, opened, open)

  function suspend(): SuspendFacet {
    if (sandbox.suspend) return sandbox.suspend
    throw new RingfenceError('feature.unsupported', `"${sandbox.profile.name}" cannot pause a sandbox here`, {
      hint: 'Take a snapshot, destroy it, and open a new one from the snapshot.',
      effect: 'none',
    })
  }

  async function letGo(): Promise<void> {
    closed = true
    stopHeart()
    await ports.close()
    await exec.close()
  }

  async function destroy(): Promise<void> {
    await letGo()
    await audit('sandbox.destroy', 'allowed', { sandboxId: id })
    await sandbox.destroy()
    options.onEvent?.({ type: 'sandbox.destroyed', sandboxId: id })
  }

  /** One that failed may be tried again. */
  function end(): Promise<void> {
    ending ??= destroy().catch((error: unknown) => {
      ending = undefined
      throw error
    })
    return ending
  }

  const handle: WorkspaceHandle = {
    root,
    provider: sandbox.profile.name,
    hasPty: sandbox.pty !== undefined,
    ...guardCalls(guarded, { ...files, ...workspaceCommands(plan, opened) }),
  }

  return {
    ...handle,
    get state() {
      // The control state grows when a command runs as another user.
      return { version: 1 as const, runId, sandbox: sandbox.state, control: exec.control, ephemeral }
    },
    sandboxId: id,
    isolation: sandbox.profile.isolation,
    diff: guarded.call(content.diff),
    snapshot: guarded.call(content.snapshot),
    nativeSnapshot: guarded.call(content.nativeSnapshot),
    fork: guarded.call(content.fork),
    port: guarded.call(ports.open),
    pause: guarded.call(() => suspend().pause()),
    resume: guarded.call(() => suspend().resume()),
    forget: guarded.call(exec.forget),
    redact: redactor.text,
    redactJson: redactor.json,
    restricted: () => restrict(handle),
    async release() {
      if (closed) return
      await letGo()
      await sandbox.release()
    },
    destroy: end,
    [Symbol.asyncDispose]: end,
  }
}
