import type { SandboxOf, SandboxState } from '@ringfence/core'
import { checkLifetime, checkSpawn } from '@ringfence/core/plugin'
import type { Control, Paused } from './control.ts'
import { errors } from './errors.ts'
import { checkOpen, closeLink, type Link } from './link.ts'
import { startProcess } from './process.ts'
import { type E2bProfile, profile } from './profile.ts'
import { terminalsOf } from './pty.ts'
import { GO_ON, KILL, runScript } from './run.ts'
import { snapshotsOf } from './snapshot.ts'
import { suspending } from './suspend.ts'

const WORKSPACE = '/home/user/workspace'

/** What leads back to a sandbox: its id, which no other ever has. */
export const stateOf = (id: string): SandboxState => ({ provider: 'e2b', id, data: {} })

export interface Attaching {
  readonly control: Control
  readonly paused: Paused
  readonly lifetimeMs: number
  /** Whether it began with the memory of another: what ran there must not run here. */
  readonly isCopy: boolean
}

/** The handle of a sandbox that runs: makes its workspace, and lets go on what a harness had stopped that died. */
export async function attach(link: Link, options: Attaching): Promise<SandboxOf<E2bProfile>> {
  const { control, paused, lifetimeMs, isCopy } = options
  const { id } = link
  const script = `${isCopy ? KILL : GO_ON}\nmkdir -p -- "$1" && [ -w "$1" ] && id -u`
  const said = await runScript(link, 'sandbox.create', script, WORKSPACE)
  const isRoot = said.trim().split('\n').at(-1) === '0'
  const check = (operation: string): void => checkOpen(link, operation)
  return {
    state: stateOf(id),
    info: { id, workspace: WORKSPACE },
    profile: isRoot ? { ...profile, user: 'root' } : profile,
    async spawn(argv, request = {}) {
      const operation = 'sandbox.spawn'
      check(operation)
      checkSpawn(argv, request, profile, errors)
      const { user, stdin = false, signal } = request
      const { pid: _, ...process } = await startProcess(link, { operation, argv, user, stdin, signal })
      return process
    },
    pty: terminalsOf(link, check),
    lifetime: {
      async extend(ms) {
        const operation = 'lifetime.extend'
        check(operation)
        checkLifetime(ms, profile, errors)
        const { state, endAt } = await control.info(operation, id)
        const until = link.client.context.clock.now() + ms
        if (state === 'paused') paused.set(id, Math.max(until, paused.get(id) ?? 0))
        // The vendor would shorten it.
        else if (until > endAt.getTime()) await control.setTimeout(operation, id, ms)
      },
    },
    snapshot: snapshotsOf(link, control, check),
    suspend: suspending(link, { control, paused, lifetimeMs }),
    async release() {
      closeLink(link, errors.closed('sandbox.release', id))
    },
    async destroy() {
      closeLink(link, errors.gone('sandbox.destroy', id))
      await control.kill('sandbox.destroy', id)
      paused.delete(id)
    },
  }
}
