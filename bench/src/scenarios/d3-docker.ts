import { openRaw } from '../engine/open-raw.ts'
import { inContainers } from '../ours/providing.ts'
import { peerInContainers } from '../peer/open-peer.ts'
import { aheadOf, allOf, atMostTimes, type Case } from '../scenario.ts'
import { largeFileIn, SUM } from './parts/large-file-in.ts'
import { BY_ARCHIVE, BY_TAR, rawFillings } from './parts/raw-filling.ts'

/** One large file of this machine on its way into a container. */
export const d3Docker: Case = {
  id: 'd3-docker',
  title: 'a container with one file of 200 MB',
  engine: true,
  rounds: 7,
  quickRounds: 2,
  warmUp: 1,
  memory: { maxMb: 40 },
  async setUp(bench) {
    const { archived, check, peer, ours } = await largeFileIn(bench)
    return [
      ...rawFillings(openRaw(bench), { archived, look: SUM, check }),
      peer(peerInContainers),
      ours(inContainers, allOf(atMostTimes(1.3, BY_ARCHIVE, BY_TAR), aheadOf(peerInContainers.name))),
    ]
  },
}
