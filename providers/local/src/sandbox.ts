import type { RuntimeContext, SandboxOf, SandboxState } from '@ringfence/core'
import { checkLifetime, checkSpawn } from '@ringfence/core/plugin'
import { INSIDE } from './bubblewrap.ts'
import type { Made } from './create.ts'
import { endSandbox } from './ending.ts'
import { errors } from './errors.ts'
import { freezerOf } from './freezer.ts'
import { prolong } from './lease.ts'
import { openLink } from './link.ts'
import { startProcess } from './process.ts'
import { type LocalProfile, profileThatHas } from './profile.ts'
import { ptyFacet } from './pty.ts'
import { readIntent } from './records.ts'
import { suspendFacet } from './suspend.ts'

/** What leads back to a sandbox: its id, and which of the sandboxes that ever had it. */
export function stateOf(id: string, generation: string): SandboxState {
  return { provider: 'local', id, data: { generation } }
}

/** The handle of a sandbox. */
export function attach(made: Made, context: RuntimeContext): SandboxOf<LocalProfile> {
  const { layout, intent, ready, holder, sets } = made
  const freezer = freezerOf(layout)
  // Made by another call, which may have paused it.
  if (sets === 0) freezer?.thaw()
  const profile = profileThatHas(intent.isolation, ready.limits, freezer !== undefined)
  const link = openLink(layout, holder, sets, context)
  const inside = intent.isolation === 'none' ? layout : INSIDE
  return {
    state: stateOf(layout.id, intent.generation),
    info: { id: layout.id, workspace: inside.workspace, controlDirectory: inside.control },
    profile,
    async spawn(argv, request = {}) {
      link.check('sandbox.spawn')
      checkSpawn(argv, request, profile, errors)
      const { process } = await startProcess(link, { argv, stdin: request.stdin ?? false, signal: request.signal })
      return process
    },
    pty: ptyFacet(link, profile),
    suspend: freezer && suspendFacet(link, freezer),
    lifetime: {
      async extend(ms) {
        link.check('lifetime.extend')
        checkLifetime(ms, profile, errors)
        prolong(layout, holder, ms)
      },
    },
    async release() {
      link.close()
    },
    async destroy() {
      link.close('left')
      // Another sandbox may have the directory by now.
      if (readIntent(layout)?.generation === intent.generation) await endSandbox(layout, context)
    },
  }
}
