import type { Workspace } from '@ringfence/workspace'
import type { PeerSession } from '../../peer/open-peer.ts'
import type { Goal, Variant } from '../../scenario.ts'
import { expect, timed } from '../../timing.ts'

const BYTES = 100_000_000
export const COMMAND = `yes 'a line of output as a build prints it' | head -c ${BYTES}`

/** Every byte is counted. */
export function counted(read: (count: (bytes: Uint8Array) => void) => Promise<void>): () => Promise<number> {
  return async () => {
    let bytes = 0
    const ms = await timed(() =>
      read((chunk) => {
        bytes += chunk.length
      }),
    )
    expect(bytes === BYTES, `${bytes} bytes of ${BYTES} came`)
    return ms
  }
}

export function muchOfOurs(workspace: Workspace, goal: Goal): Variant {
  return {
    name: 'ringfence',
    role: 'ours',
    goal,
    sample: counted(async (count) => {
      const command = await workspace.spawn(COMMAND)
      for await (const { bytes } of command.output) count(bytes)
      const { exitCode, outputCut } = await command.exit
      expect(exitCode === 0 && !outputCut, 'the command ended otherwise than with all of its output')
    }),
  }
}

/** It keeps the first megabyte, and waits for all of it. */
export function muchOfPeer(session: PeerSession): Variant {
  return {
    name: 'agents, keeps 1 MB of it',
    role: 'peer',
    async sample() {
      let kept = 0
      const ms = await timed(async () => {
        kept = (await session.exec({ cmd: COMMAND, yieldTimeMs: 60_000 })).stdout.length
      })
      expect(kept > 0, 'the peer gave no output')
      return ms
    },
  }
}
