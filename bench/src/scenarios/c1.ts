import { runRaw, shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { onThisMachine } from '../ours/providing.ts'
import { keepPeer, peerOnThisMachine } from '../peer/open-peer.ts'
import { atMostTimes, type Case } from '../scenario.ts'
import { COMMAND, counted, muchOfOurs, muchOfPeer } from './parts/much-output.ts'

/** Everything that a command prints, as it comes. */
export const c1: Case = {
  id: 'c1',
  title: '100 MB of output',
  rounds: 9,
  quickRounds: 4,
  warmUp: 1,
  memory: { maxMb: 40 },
  async setUp(bench) {
    const workspace = await keepOurs(bench, onThisMachine(bench))
    const session = await keepPeer(bench, peerOnThisMachine)
    return [
      { name: 'sh', role: 'floor', sample: counted((onOutput) => runRaw(shell(COMMAND), { onOutput })) },
      muchOfPeer(session),
      muchOfOurs(workspace, atMostTimes(1.7, 'sh')),
    ]
  },
}
