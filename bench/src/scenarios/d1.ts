import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Bench } from '../bench.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { filling } from '../floors/filling.ts'
import { outputOf, runRaw, shell } from '../floors/run-raw.ts'
import { onThisMachine } from '../ours/providing.ts'
import { peerOnThisMachine } from '../peer/open-peer.ts'
import { atMostTimes, type Case, type Variant } from '../scenario.ts'
import { LIST, type SmallFilesIn, smallFilesIn } from './parts/small-files-in.ts'

const TAR = ['tar', '-x', '-f', '-']

function floors(bench: Bench, { files, archived, checkCount }: SmallFilesIn): Variant[] {
  const look = async (folder: string): Promise<void> => checkCount(await outputOf(shell(`cd '${folder}' && ${LIST}`)))
  const byTar = (folder: string): Promise<void> => runRaw(TAR, { cwd: folder, input: archived() })
  const inBubblewrap = (folder: string): Promise<void> => runRaw(bubblewrapped(folder, TAR), { input: archived() })
  const byNode = async (folder: string): Promise<void> => {
    for (const parent of new Set(files.map(({ path }) => dirname(path)))) mkdirSync(join(folder, parent), { recursive: true })
    for (const { path, content } of files) writeFileSync(join(folder, path), content)
  }
  return [
    { name: 'bwrap tar -x', role: 'floor', sample: filling(bench, inBubblewrap, look) },
    { name: 'tar -x, not isolated', role: 'reference', sample: filling(bench, byTar, look) },
    { name: 'writeFileSync, not isolated', role: 'reference', sample: filling(bench, byNode, look) },
  ]
}

function caseOf(count: number, rounds: number, quickRounds: number): Case {
  const title = `a sandbox with ${count.toLocaleString('en')} files of 1 KiB`
  return {
    id: 'd1',
    title,
    rounds,
    quickRounds,
    warmUp: 1,
    async setUp(bench) {
      const set = smallFilesIn(count)
      return [...floors(bench, set), set.peer(bench, peerOnThisMachine), set.ours(bench, onThisMachine, atMostTimes(1.3, 'bwrap tar -x'))]
    },
  }
}

/** Many small files on their way in, from the first call to a sandbox that can be used. */
export const d1: readonly Case[] = [caseOf(100, 20, 8), caseOf(2000, 8, 3), caseOf(10_000, 3, 1)]
