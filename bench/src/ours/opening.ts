import type { ManifestInput } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import type { Bench } from '../bench.ts'
import { callsOf } from '../engine/calls.ts'
import type { Goal, Phase, Variant } from '../scenario.ts'
import { timed } from '../timing.ts'
import { openOurs, timeline } from './open-ours.ts'
import type { Providing } from './providing.ts'

export interface Opening {
  readonly providing: Providing
  readonly manifest: ManifestInput
  readonly goal?: Goal | undefined
  /** Looks at what came; not counted. */
  readonly check: (workspace: Workspace) => Promise<void>
}

/** From the call to a workspace that holds what the manifest names; its end is not counted. */
export function openingOurs(bench: Bench, { providing, manifest, goal, check }: Opening): Variant {
  let phases: readonly Phase[] = []
  return {
    name: 'ringfence',
    role: 'ours',
    goal,
    phases: () => phases,
    async sample() {
      const times = timeline()
      let workspace: Workspace | undefined
      let calls: readonly Phase[] = []
      const ms = await timed(async () => {
        const provider = providing(bench)
        calls = await callsOf(async () => {
          workspace = await openOurs(bench, { provider, manifest, times })
        })
      })
      phases = [...times.phases(), ...calls]
      try {
        if (workspace) await check(workspace)
      } finally {
        await workspace?.destroy()
      }
      return ms
    },
  }
}
