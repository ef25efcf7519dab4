import { createWriteStream } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Bench } from '../bench.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { filling } from '../floors/filling.ts'
import { outputOf, runRaw, shell } from '../floors/run-raw.ts'
import { onThisMachine } from '../ours/providing.ts'
import { peerOnThisMachine } from '../peer/open-peer.ts'
import { atMostTimes, type Case, type Variant } from '../scenario.ts'
import { type LargeFileIn, largeFileIn, NAME, SUM } from './parts/large-file-in.ts'

function floors(bench: Bench, { source, read, archived, check }: LargeFileIn): Variant[] {
  const look = async (folder: string): Promise<void> => check(await outputOf(shell(`cd '${folder}' && ${SUM}`)))
  const byTar = (folder: string): Promise<void> => runRaw(bubblewrapped(folder, ['tar', '-x', '-f', '-']), { input: archived() })
  const byStream = (folder: string): Promise<void> => pipeline(read(), createWriteStream(join(folder, NAME)))
  const byCopy = (folder: string): Promise<void> => copyFile(source, join(folder, NAME))
  return [
    { name: 'bwrap tar -x', role: 'floor', sample: filling(bench, byTar, look) },
    { name: 'streamed copy, not isolated', role: 'reference', sample: filling(bench, byStream, look) },
    { name: 'copyFile, not isolated', role: 'reference', sample: filling(bench, byCopy, look) },
  ]
}

/** One large file of this machine on its way in. */
export const d3: Case = {
  id: 'd3',
  title: 'a sandbox with one file of 200 MB',
  rounds: 7,
  quickRounds: 3,
  warmUp: 1,
  memory: { maxMb: 40 },
  async setUp(bench) {
    const large = await largeFileIn(bench)
    return [...floors(bench, large), large.peer(peerOnThisMachine), large.ours(onThisMachine, atMostTimes(1.3, 'bwrap tar -x'))]
  },
}
