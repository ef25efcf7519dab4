import type { Bench } from '../bench.ts'
import { keepContainer, openRaw } from '../engine/open-raw.ts'
import { shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { inContainers } from '../ours/providing.ts'
import { keepPeer, peerInContainers } from '../peer/open-peer.ts'
import { aheadOf, allOf, alwaysAtMostTimes, type Case, type Variant } from '../scenario.ts'
import { printing } from './parts/printing.ts'

const ROUNDS = { engine: true, rounds: 100, quickRounds: 20, warmUp: 3 } as const

async function variants(bench: Bench, command: string, expected: string, max: number): Promise<Variant[]> {
  const engine = openRaw(bench)
  const container = await keepContainer(bench, engine)
  const workspace = await keepOurs(bench, inContainers(bench))
  const session = await keepPeer(bench, peerInContainers)
  const argv = command.split(' ')
  const goal = allOf(alwaysAtMostTimes(max, 'engine exec'), aheadOf('agents', 'agents, no login shell'))
  return [
    printing('floor', 'engine exec', expected, () => engine.outputOf(container, shell(command))),
    printing('peer', 'agents', expected, async () => (await session.exec({ cmd: command })).stdout),
    printing('peer', 'agents, no login shell', expected, async () => (await session.exec({ cmd: command, login: false })).stdout),
    printing('ours', 'ringfence', expected, async () => (await workspace.exec(command)).stdout, goal),
    printing('ours', 'ringfence, argv', expected, async () => (await workspace.exec(argv)).stdout, goal),
  ]
}

/** One command in a container that is there. */
export const b2: readonly Case[] = [
  { id: 'b2', title: 'exec `true`', ...ROUNDS, setUp: (bench) => variants(bench, 'true', '', 0.15) },
  { id: 'b2', title: 'exec `echo hello`, its output', ...ROUNDS, setUp: (bench) => variants(bench, 'echo hello', 'hello\n', 0.2) },
]
