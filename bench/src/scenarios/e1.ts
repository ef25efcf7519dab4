import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { someBytes } from '../data.ts'
import { runRaw } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { onThisMachine } from '../ours/providing.ts'
import { keepPeer, peerOnThisMachine } from '../peer/open-peer.ts'
import { atMost, atMostTimes, type Case, type Goal } from '../scenario.ts'
import { NAME, reading } from './parts/file-contents.ts'

async function readByCat(path: string): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  await runRaw(['cat', path], { onOutput: (bytes) => void chunks.push(bytes) })
  return Buffer.concat(chunks)
}

function caseOf(size: number, about: Pick<Case, 'title' | 'rounds' | 'quickRounds' | 'warmUp'>, goal: Goal): Case {
  return {
    id: 'e1',
    ...about,
    async setUp(bench) {
      const bytes = someBytes(size)
      const folder = await bench.newFolder('floor')
      await writeFile(join(folder, NAME), bytes)
      const workspace = await keepOurs(bench, onThisMachine(bench))
      await workspace.writeFile(NAME, bytes)
      const session = await keepPeer(bench, peerOnThisMachine, { entries: { [NAME]: { type: 'file', content: bytes } } })
      return [
        { name: 'fs.readFile, not isolated', role: 'floor', sample: reading(bytes, () => readFile(join(folder, NAME))) },
        { name: 'cat through a pipe', role: 'reference', sample: reading(bytes, () => readByCat(join(folder, NAME))) },
        { name: 'agents, not isolated', role: 'peer', sample: reading(bytes, () => session.readFile({ path: NAME })) },
        { name: 'ringfence', role: 'ours', goal, sample: reading(bytes, () => workspace.readFile(NAME)) },
      ]
    },
  }
}

/** A file on its way out. */
export const e1: readonly Case[] = [
  caseOf(1024, { title: 'read 1 KiB', rounds: 100, quickRounds: 40, warmUp: 10 }, atMost(1)),
  caseOf(50_000_000, { title: 'read 50 MB', rounds: 10, quickRounds: 5, warmUp: 2 }, atMostTimes(1.3, 'cat through a pipe')),
]
