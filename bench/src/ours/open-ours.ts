import { join } from 'node:path'
import type { ManifestInput, Provider } from '@ringfence/core'
import { local } from '@ringfence/provider-local'
import { openWorkspace, type Workspace } from '@ringfence/workspace'
import type { Bench } from '../bench.ts'
import type { Phase } from '../scenario.ts'

/** A provider that tells when its sandboxes came. */
function watched(provider: Provider, mark: (name: string) => void): Provider {
  return {
    ...provider,
    async create(request, context) {
      mark('before the provider')
      const sandbox = await provider.create(request, context)
      mark('the provider makes the sandbox')
      return {
        ...sandbox,
        async destroy() {
          mark('the workspace closes its channel')
          await sandbox.destroy()
          mark('the provider ends the sandbox')
        },
      }
    },
  }
}

/** Marks of what happened, and how long it was from each to the one before. */
export interface Timeline {
  mark(name: string): void
  phases(): readonly Phase[]
}

export function timeline(): Timeline {
  const phases: Phase[] = []
  let last = performance.now()
  return {
    mark(name) {
      const now = performance.now()
      phases.push({ name, ms: now - last })
      last = now
    },
    phases: () => phases,
  }
}

/** A workspace in an isolated sandbox of this machine, below the folder of the case. */
export function openOurs(bench: Bench, manifest?: ManifestInput, { mark }: Timeline = timeline()): Promise<Workspace> {
  const provider = local({ directory: join(bench.folder, 'sandboxes') })
  return openWorkspace({
    sandbox: watched(provider, mark),
    manifest,
    signal: bench.signal,
    onEvent: (event) => {
      if (event.type === 'sandbox.ready') mark('the workspace opens and is filled')
      if (event.type === 'command.started') mark('a command is asked for')
      if (event.type === 'command.ended') mark('the command runs')
    },
  })
}

/** A workspace that lives as long as the case. */
export async function keepOurs(bench: Bench, manifest?: ManifestInput): Promise<Workspace> {
  const workspace = await openOurs(bench, manifest)
  bench.defer(() => workspace.destroy())
  return workspace
}
