import { rm } from 'node:fs/promises'
import type { Bench } from '../bench.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { outputOf, shell } from '../floors/run-raw.ts'
import { onThisMachine } from '../ours/providing.ts'
import { peerOnThisMachine } from '../peer/open-peer.ts'
import { atMostTimes, type Case } from '../scenario.ts'
import { printing } from './parts/printing.ts'
import { COMMAND, EXPECTED, oursFromNothing, peerFromNothing } from './parts/whole-life.ts'

/** A folder, a command in it, and nothing. */
export async function rawLife(bench: Bench, wrap: (folder: string) => readonly string[]): Promise<string> {
  const folder = await bench.newFolder('floor')
  const output = await outputOf(wrap(folder))
  await rm(folder, { recursive: true })
  return output
}

/** A sandbox from nothing to nothing. */
export const a1: Case = {
  id: 'a1',
  title: 'create, `echo hello`, close',
  rounds: 40,
  quickRounds: 15,
  warmUp: 3,
  async setUp(bench) {
    const inBubblewrap = (folder: string): string[] => bubblewrapped(folder, shell(COMMAND))
    return [
      printing('floor', 'bwrap', EXPECTED, () => rawLife(bench, inBubblewrap)),
      printing('reference', 'sh, not isolated', EXPECTED, () => rawLife(bench, () => shell(COMMAND))),
      peerFromNothing(bench, peerOnThisMachine),
      oursFromNothing(bench, onThisMachine, atMostTimes(1.5, 'bwrap')),
    ]
  },
}
