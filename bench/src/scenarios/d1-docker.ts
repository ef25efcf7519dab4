import { openRaw } from '../engine/open-raw.ts'
import { inContainers } from '../ours/providing.ts'
import { peerInContainers } from '../peer/open-peer.ts'
import { aheadOf, allOf, atMostTimes, type Case } from '../scenario.ts'
import { BY_ARCHIVE, BY_TAR, rawFillings } from './parts/raw-filling.ts'
import { LIST, smallFilesIn } from './parts/small-files-in.ts'

function caseOf(count: number, rounds: number, quickRounds: number): Case {
  return {
    id: 'd1-docker',
    title: `a container with ${count.toLocaleString('en')} ${count === 1 ? 'file' : 'files'} of 1 KiB`,
    engine: true,
    rounds,
    quickRounds,
    warmUp: 1,
    async setUp(bench) {
      const { archived, checkCount, peer, ours } = smallFilesIn(count)
      return [
        ...rawFillings(openRaw(bench), { archived, look: LIST, check: checkCount }),
        peer(bench, peerInContainers),
        ours(bench, inContainers, allOf(atMostTimes(1.3, BY_ARCHIVE, BY_TAR), aheadOf(peerInContainers.name))),
      ]
    },
  }
}

/** Small files on their way into a container, from the first call to one that can be used. */
export const d1Docker: readonly Case[] = [caseOf(1, 12, 3), caseOf(100, 12, 3), caseOf(2000, 6, 2), caseOf(10_000, 2, 1)]
