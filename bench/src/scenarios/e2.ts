import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { someBytes } from '../data.ts'
import { runRaw, shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { onThisMachine } from '../ours/providing.ts'
import { keepPeer, peerOnThisMachine } from '../peer/open-peer.ts'
import { atMost, atMostTimes, type Case, type Goal, type Variant } from '../scenario.ts'
import { NAME, pieces, TEXT, writing } from './parts/file-contents.ts'
import { writingOfOurs, writingOfPeer } from './parts/writing-of.ts'

async function variants(bench: Bench, bytes: Buffer, isNew: boolean, goal: Goal): Promise<Variant[]> {
  const path = join(await bench.newFolder('floor'), NAME)
  const ours = writingOfOurs(await keepOurs(bench, onThisMachine(bench)), bytes)
  const peer = writingOfPeer(await keepPeer(bench, peerOnThisMachine), bytes)
  const onHost = { readBack: () => readFile(path), remove: () => rm(path) }
  const floor = { ...onHost, write: () => writeFile(path, bytes) }
  const cat = { ...onHost, write: () => runRaw(shell(`cat >'${path}'`), { input: pieces(bytes) }) }
  return [
    { name: 'fs.writeFile, not isolated', role: 'floor', sample: writing(bytes, isNew, floor) },
    { name: 'cat through a pipe', role: 'reference', sample: writing(bytes, isNew, cat) },
    { name: 'agents, not isolated', role: 'peer', sample: writing(bytes, isNew, peer) },
    { name: 'ringfence', role: 'ours', goal, sample: writing(bytes, isNew, ours) },
  ]
}

const SMALL = { rounds: 100, quickRounds: 40, warmUp: 10 } as const

/** A file on its way in, into a sandbox that is there. */
export const e2: readonly Case[] = [
  { id: 'e2', title: 'write 1 KiB of text, a new file', ...SMALL, setUp: (bench) => variants(bench, TEXT, true, atMost(2)) },
  { id: 'e2', title: 'write 1 KiB of text over a file', ...SMALL, setUp: (bench) => variants(bench, TEXT, false, atMost(2)) },
  { id: 'e2', title: 'write 1 KiB of bytes over a file', ...SMALL, setUp: (bench) => variants(bench, someBytes(1024), false, atMost(2)) },
  {
    id: 'e2',
    title: 'write 50 MB over a file',
    rounds: 10,
    quickRounds: 5,
    warmUp: 2,
    setUp: (bench) => variants(bench, someBytes(50_000_000), false, atMostTimes(1.3, 'cat through a pipe')),
  },
]
