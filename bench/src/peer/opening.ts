import type { Bench } from '../bench.ts'
import type { Variant } from '../scenario.ts'
import { timed } from '../timing.ts'
import type { Peering, PeerManifest, PeerSession } from './open-peer.ts'

/** The same with the peer. */
export function openingPeer(
  bench: Bench,
  peering: Peering,
  manifest: PeerManifest,
  check: (session: PeerSession) => Promise<void>,
): Variant {
  return {
    name: peering.name,
    role: 'peer',
    async sample() {
      let session: PeerSession | undefined
      const ms = await timed(async () => {
        session = await peering.open(bench, manifest)
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
