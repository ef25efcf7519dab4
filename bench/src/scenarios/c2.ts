import { keepContainer, openRaw } from '../engine/open-raw.ts'
import { shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { inContainers } from '../ours/providing.ts'
import { keepPeer, peerInContainers } from '../peer/open-peer.ts'
import { aheadOf, allOf, atMostTimes, type Case } from '../scenario.ts'
import { COMMAND, counted, muchOfOurs, muchOfPeer } from './parts/much-output.ts'

/** Everything that a command in a container prints, as it comes. */
export const c2: Case = {
  id: 'c2',
  title: '100 MB of output',
  engine: true,
  rounds: 9,
  quickRounds: 3,
  warmUp: 1,
  memory: { maxMb: 40 },
  async setUp(bench) {
    const engine = openRaw(bench)
    const container = await keepContainer(bench, engine)
    const workspace = await keepOurs(bench, inContainers(bench))
    const peer = muchOfPeer(await keepPeer(bench, peerInContainers))
    return [
      { name: 'engine exec', role: 'floor', sample: counted((onOutput) => engine.exec(container, shell(COMMAND), { onOutput })) },
      peer,
      muchOfOurs(workspace, allOf(atMostTimes(1.3, 'engine exec'), aheadOf(peer.name))),
    ]
  },
}
