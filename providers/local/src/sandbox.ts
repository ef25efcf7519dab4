import type { Profile, RuntimeContext, SandboxOf, SandboxState } from '@ringfence/core'
import { checkLifetime, checkSpawn } from '@ringfence/core/plugin'
import { INSIDE } from './bubblewrap.ts'
import type { Made } from './create.ts'
import { endSandbox } from './ending.ts'
import { errors } from './errors.ts'
import { prolong } from './lease.ts'
import { openLink } from './link.ts'
import { startProcess } from './process.ts'
import { type LocalProfile, resolveProfile } from './profile.ts'
import { ptyFacet } from './pty.ts'
import { readIntent } from './records.ts'

/** What leads back to a sandbox: its id, and which of the sandboxes that ever had it. */
export function stateOf(id: string, generation: string): SandboxState {
  return { provider: 'local', id, data: { generation } }
}

/** The profile that a sandbox really has. */
function profileOf({ intent, ready }: Pick<Made, 'intent' | 'ready'>): Profile {
  return { ...resolveProfile(intent.isolation), limits: ready.limits }
}

/** The handle of a sandbox. */
export function attach(made: Made, context: RuntimeContext): SandboxOf<LocalProfile> {
  const { layout, intent, holder, sets } = made
  const profile = profileOf(made)
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
      link.close()
      // Another sandbox may have the directory by now.
      if (readIntent(layout)?.generation === intent.generation) await endSandbox(layout, context)
    },
  }
}
