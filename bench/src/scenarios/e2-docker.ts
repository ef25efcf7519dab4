import type { Bench } from '../bench.ts'
import { someBytes } from '../data.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { inContainers } from '../ours/providing.ts'
import { keepPeer, peerInContainers } from '../peer/open-peer.ts'
import { aheadOf, allOf, atMost, atMostTimes, type Case, type Goal, type Variant } from '../scenario.ts'
import { TEXT, writing } from './parts/file-contents.ts'
import { rawFile } from './parts/raw-files.ts'
import { writingOfOurs, writingOfPeer } from './parts/writing-of.ts'

const BY_CAT = 'engine exec cat'
/** It writes to a folder of this machine that the container has, without the engine. */
const PEER = 'agents, on this machine'

async function variants(bench: Bench, bytes: Buffer, isNew: boolean, goal: Goal): Promise<Variant[]> {
  const file = await rawFile(bench)
  const raw = { readBack: () => file.getArchive(bytes.length), remove: () => file.remove() }
  const byCat = { ...raw, write: () => file.writeByCat(bytes) }
  const byArchive = { ...raw, write: () => file.putArchive(bytes) }
  const ours = writingOfOurs(await keepOurs(bench, inContainers(bench)), bytes)
  const peer = writingOfPeer(await keepPeer(bench, peerInContainers), bytes)
  return [
    { name: BY_CAT, role: 'floor', sample: writing(bytes, isNew, byCat) },
    { name: 'engine PUT archive', role: 'reference', sample: writing(bytes, isNew, byArchive) },
    { name: PEER, role: 'peer', sample: writing(bytes, isNew, peer) },
    { name: 'ringfence', role: 'ours', goal: allOf(goal, aheadOf(PEER)), sample: writing(bytes, isNew, ours) },
  ]
}

const SMALL = { id: 'e2-docker', engine: true, rounds: 60, quickRounds: 15, warmUp: 3 } as const

/** A file on its way into a container that is there. */
export const e2Docker: readonly Case[] = [
  { ...SMALL, title: 'write 1 KiB of text, a new file', setUp: (bench) => variants(bench, TEXT, true, atMost(4)) },
  { ...SMALL, title: 'write 1 KiB of bytes over a file', setUp: (bench) => variants(bench, someBytes(1024), false, atMost(4)) },
  {
    ...SMALL,
    title: 'write 50 MB over a file',
    rounds: 10,
    quickRounds: 3,
    warmUp: 1,
    setUp: (bench) => variants(bench, someBytes(50_000_000), false, atMostTimes(1.3, BY_CAT)),
  },
]
