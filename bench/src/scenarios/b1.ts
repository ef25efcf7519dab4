import type { Bench } from '../bench.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { outputOf, shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { onThisMachine } from '../ours/providing.ts'
import { keepPeer, peerOnThisMachine } from '../peer/open-peer.ts'
import { atMostTimes, type Case, type Variant } from '../scenario.ts'
import { printing } from './parts/printing.ts'

const ROUNDS = { rounds: 200, quickRounds: 60, warmUp: 10 } as const

async function variants(bench: Bench, command: string, expected: string, max: number): Promise<Variant[]> {
  const folder = await bench.newFolder('floor')
  const workspace = await keepOurs(bench, onThisMachine(bench))
  const session = await keepPeer(bench, peerOnThisMachine)
  const argv = command.split(' ')
  const goal = atMostTimes(max, 'sh')
  return [
    printing('floor', 'sh', expected, () => outputOf(shell(command))),
    printing('reference', 'bwrap for each', expected, () => outputOf(bubblewrapped(folder, shell(command)))),
    printing('peer', 'agents, not isolated', expected, async () => (await session.exec({ cmd: command })).stdout),
    printing('peer', 'agents, no login shell', expected, async () => (await session.exec({ cmd: command, login: false })).stdout),
    printing('ours', 'ringfence', expected, async () => (await workspace.exec(command)).stdout, goal),
    printing('ours', 'ringfence, argv', expected, async () => (await workspace.exec(argv)).stdout, goal),
  ]
}

/** One command in a sandbox that is there. */
export const b1: readonly Case[] = [
  { id: 'b1', title: 'exec `true`', ...ROUNDS, setUp: (bench) => variants(bench, 'true', '', 1.5) },
  { id: 'b1', title: 'exec `echo hello`, its output', ...ROUNDS, setUp: (bench) => variants(bench, 'echo hello', 'hello\n', 2) },
]
