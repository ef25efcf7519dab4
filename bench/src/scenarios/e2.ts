import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { someBytes } from '../data.ts'
import { runRaw, shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { keepPeer } from '../peer/open-peer.ts'
import { atMost, atMostTimes, type Case, type Goal, type Variant } from '../scenario.ts'
import { expect, timed } from '../timing.ts'

const NAME = 'data.bin'
const PIECE = 262_144

interface Writing {
  readonly write: () => Promise<void>
  readonly readBack: () => Promise<Uint8Array>
  readonly remove: () => Promise<void>
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

/** Writes a file, and reads it back outside of the figure; a new one is removed for the next round. */
function sampleOf(bytes: Buffer, isNew: boolean, { write, readBack, remove }: Writing): () => Promise<number> {
  return async () => {
    const ms = await timed(write)
    expect(bytes.equals(await readBack()), 'other bytes were written')
    if (isNew) await remove()
    return ms
  }
}

async function variants(bench: Bench, bytes: Buffer, isNew: boolean, goal: Goal): Promise<Variant[]> {
  const path = join(await bench.newFolder('floor'), NAME)
  const workspace = await keepOurs(bench)
  const session = await keepPeer(bench)
  const onHost = { readBack: () => readFile(path), remove: () => rm(path) }
  const byPeer = (): Promise<void> => session.materializeEntry({ path: NAME, entry: { type: 'file', content: bytes } })
  const floor = { ...onHost, write: () => writeFile(path, bytes) }
  const cat = { ...onHost, write: () => runRaw(shell(`cat >'${path}'`), { input: pieces(bytes) }) }
  const peer = {
    write: byPeer,
    readBack: () => session.readFile({ path: NAME }),
    remove: async () => void (await session.exec({ cmd: `rm ${NAME}`, login: false })),
  }
  const ours = {
    write: () => workspace.writeFile(NAME, bytes),
    readBack: () => workspace.readFile(NAME),
    remove: () => workspace.remove(NAME),
  }
  return [
    { name: 'fs.writeFile, not isolated', role: 'floor', sample: sampleOf(bytes, isNew, floor) },
    { name: 'cat through a pipe', role: 'reference', sample: sampleOf(bytes, isNew, cat) },
    { name: 'agents, not isolated', role: 'peer', sample: sampleOf(bytes, isNew, peer) },
    { name: 'ringfence', role: 'ours', goal, sample: sampleOf(bytes, isNew, ours) },
  ]
}

const SMALL = { rounds: 100, quickRounds: 40, warmUp: 10 } as const
const text = Buffer.from('a line of a source file\n'.repeat(50).slice(0, 1024))

/** A file on its way in, into a sandbox that is there. */
export const e2: readonly Case[] = [
  { id: 'e2', title: 'write 1 KiB of text, a new file', ...SMALL, setUp: (bench) => variants(bench, text, true, atMost(2)) },
  { id: 'e2', title: 'write 1 KiB of text over a file', ...SMALL, setUp: (bench) => variants(bench, text, false, atMost(2)) },
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
