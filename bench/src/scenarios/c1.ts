import { runRaw, shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { keepPeer } from '../peer/open-peer.ts'
import { atMostTimes, type Case, type Variant } from '../scenario.ts'
import { expect, timed } from '../timing.ts'

const BYTES = 100_000_000
const COMMAND = `yes 'a line of output as a build prints it' | head -c ${BYTES}`

function counted(read: (count: (bytes: Uint8Array) => void) => Promise<void>): () => Promise<number> {
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

/** Everything that a command prints, as it comes. */
export const c1: Case = {
  id: 'c1',
  title: '100 MB of output',
  rounds: 9,
  quickRounds: 4,
  warmUp: 1,
  memory: { maxMb: 40 },
  async setUp(bench) {
    const workspace = await keepOurs(bench)
    const session = await keepPeer(bench)
    const floor: Variant = { name: 'sh', role: 'floor', sample: counted((onOutput) => runRaw(shell(COMMAND), { onOutput })) }
    const ours: Variant = {
      name: 'ringfence',
      role: 'ours',
      goal: atMostTimes(1.7, 'sh'),
      sample: counted(async (count) => {
        const command = await workspace.spawn(COMMAND)
        for await (const { bytes } of command.output) count(bytes)
        const { exitCode, outputCut } = await command.exit
        expect(exitCode === 0 && !outputCut, 'the command ended otherwise than with all of its output')
      }),
    }
    const peer: Variant = {
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
    return [floor, peer, ours]
  },
}
