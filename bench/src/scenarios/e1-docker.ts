import { someBytes } from '../data.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { inContainers } from '../ours/providing.ts'
import { keepPeer, peerInContainers } from '../peer/open-peer.ts'
import { aheadOf, allOf, atMost, atMostTimes, type Case, type Goal } from '../scenario.ts'
import { NAME, reading } from './parts/file-contents.ts'
import { rawFile } from './parts/raw-files.ts'

const FLOOR = 'engine GET archive'

function caseOf(size: number, about: Pick<Case, 'title' | 'rounds' | 'quickRounds' | 'warmUp'>, goal: Goal): Case {
  return {
    id: 'e1-docker',
    engine: true,
    ...about,
    async setUp(bench) {
      const bytes = someBytes(size)
      const file = await rawFile(bench)
      await file.writeByCat(bytes)
      const workspace = await keepOurs(bench, inContainers(bench))
      await workspace.writeFile(NAME, bytes)
      const session = await keepPeer(bench, peerInContainers, { entries: { [NAME]: { type: 'file', content: bytes } } })
      return [
        { name: FLOOR, role: 'floor', sample: reading(bytes, () => file.getArchive(size)) },
        { name: 'engine exec cat', role: 'reference', sample: reading(bytes, () => file.readByCat()) },
        { name: 'agents', role: 'peer', sample: reading(bytes, () => session.readFile({ path: NAME })) },
        {
          name: 'ringfence',
          role: 'ours',
          goal: allOf(goal, aheadOf('agents')),
          sample: reading(bytes, () => workspace.readFile(NAME)),
        },
      ]
    },
  }
}

/** A file on its way out of a container. */
export const e1Docker: readonly Case[] = [
  caseOf(1024, { title: 'read 1 KiB', rounds: 60, quickRounds: 20, warmUp: 3 }, atMost(3)),
  caseOf(50_000_000, { title: 'read 50 MB', rounds: 10, quickRounds: 3, warmUp: 1 }, atMostTimes(1.3, FLOOR)),
]
