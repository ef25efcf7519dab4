import type { UnixLocalSandboxSession } from '@openai/agents/sandbox/local'
import type { Bench } from '../bench.ts'
import type { Variant } from '../scenario.ts'
import { timed } from '../timing.ts'
import { openPeer, type PeerManifest } from './open-peer.ts'

/** The same with the peer. */
export function openingPeer(bench: Bench, manifest: PeerManifest, check: (session: UnixLocalSandboxSession) => Promise<void>): Variant {
  return {
    name: 'agents, not isolated',
    role: 'peer',
    async sample() {
      let session: UnixLocalSandboxSession | undefined
      const ms = await timed(async () => {
        session = await openPeer(bench, manifest)
      })
      try {
        if (session) await check(session)
      } finally {
        await session?.close()
      }
      return ms
    },
  }
}
