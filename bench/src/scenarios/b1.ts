import type { Bench } from '../bench.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { outputOf, shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { keepPeer } from '../peer/open-peer.ts'
import { atMostTimes, type Case, type Role, type Variant } from '../scenario.ts'
import { expect, timed } from '../timing.ts'

const ROUNDS = { rounds: 200, quickRounds: 60, warmUp: 10 } as const

/** A command whose output is compared with what it should be. */
function variant(role: Role, name: string, expected: string, run: () => Promise<string>, max?: number): Variant {
  return {
    name,
    role,
    goal: max === undefined ? undefined : atMostTimes(max, 'sh'),
    async sample() {
      let output: string | undefined
      const ms = await timed(async () => {
        output = await run()
      })
      expect(output === expected, `${name} printed "${output}"`)
      return ms
    },
  }
}

async function variants(bench: Bench, command: string, expected: string, max: number): Promise<Variant[]> {
  const folder = await bench.newFolder('floor')
  const workspace = await keepOurs(bench)
  const session = await keepPeer(bench)
  const argv = command.split(' ')
  return [
    variant('floor', 'sh', expected, () => outputOf(shell(command))),
    variant('reference', 'bwrap for each', expected, () => outputOf(bubblewrapped(folder, shell(command)))),
    variant('peer', 'agents, not isolated', expected, async () => (await session.exec({ cmd: command })).stdout),
    variant('peer', 'agents, no login shell', expected, async () => (await session.exec({ cmd: command, login: false })).stdout),
    variant('ours', 'ringfence', expected, async () => (await workspace.exec(command)).stdout, max),
    variant('ours', 'ringfence, argv', expected, async () => (await workspace.exec(argv)).stdout, max),
  ]
}

/** One command in a sandbox that is there. */
export const b1: readonly Case[] = [
  { id: 'b1', title: 'exec `true`', ...ROUNDS, setUp: (bench) => variants(bench, 'true', '', 1.5) },
  { id: 'b1', title: 'exec `echo hello`, its output', ...ROUNDS, setUp: (bench) => variants(bench, 'echo hello', 'hello\n', 2) },
]
