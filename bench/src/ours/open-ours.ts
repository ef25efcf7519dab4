import type { ManifestInput, Provider } from '@ringfence/core'
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

export interface OpenOurs {
  readonly provider: Provider
  readonly manifest?: ManifestInput | undefined
  readonly times?: Timeline | undefined
}

export function openOurs(bench: Bench, { provider, manifest, times: { mark } = timeline() }: OpenOurs): Promise<Workspace> {
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
export async function keepOurs(bench: Bench, provider: Provider, manifest?: ManifestInput): Promise<Workspace> {
  const workspace = await openOurs(bench, { provider, manifest })
  bench.defer(() => workspace.destroy())
  return workspace
}
