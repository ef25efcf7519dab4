import { sandboxPool } from '@ringfence/workspace'
import type { Bench } from '../bench.ts'
import { openRaw } from '../engine/open-raw.ts'
import type { RawEngine } from '../engine/raw-engine.ts'
import { shell } from '../floors/run-raw.ts'
import { openingOurs } from '../ours/opening.ts'
import { inContainers, type Providing } from '../ours/providing.ts'
import { peerInContainers, peerInOpenContainers } from '../peer/open-peer.ts'
import { aheadOf, allOf, atMost, atMostTimes, type Case, type Variant } from '../scenario.ts'
import { expect } from '../timing.ts'
import { printing } from './parts/printing.ts'
import { COMMAND, EXPECTED, oursFromNothing, peerFromNothing } from './parts/whole-life.ts'

/** A container from nothing to nothing. */
export async function rawContainerLife(engine: RawEngine, network: boolean): Promise<string> {
  const id = await engine.create({ network })
  await engine.start(id)
  const output = await engine.outputOf(id, shell(COMMAND))
  await engine.remove(id)
  return output
}

/** One is taken while another is made for it, as in an app that goes on. */
async function warm(bench: Bench): Promise<Variant[]> {
  const pool = sandboxPool({ sandbox: inContainers(bench), prewarm: 2 })
  bench.defer(() => pool.close())
  const fromPool: Providing = () => pool
  const opening = (providing: Providing): Omit<Variant, 'name' | 'role'> =>
    openingOurs(bench, {
      providing,
      manifest: {},
      check: async (workspace) => expect((await workspace.exec(COMMAND)).stdout === EXPECTED, 'the sandbox printed something else'),
    })
  const taken = opening(fromPool)
  return [
    { ...opening(inContainers), name: 'ringfence, cold', role: 'reference' },
    {
      ...taken,
      name: 'ringfence, warm',
      role: 'ours',
      goal: atMost(15),
      async sample() {
        await pool.ready()
        return taken.sample()
      },
    },
  ]
}

/** A container from nothing to nothing, and one that was made before. */
export const a2: readonly Case[] = [
  {
    id: 'a2',
    title: 'create, `echo hello`, close',
    engine: true,
    rounds: 20,
    quickRounds: 4,
    warmUp: 1,
    async setUp(bench) {
      const engine = openRaw(bench)
      const goal = allOf(atMostTimes(0.9, 'engine API'), aheadOf(peerInContainers.name, peerInOpenContainers.name))
      return [
        printing('floor', 'engine API', EXPECTED, () => rawContainerLife(engine, true)),
        printing('reference', 'engine API, no network', EXPECTED, () => rawContainerLife(engine, false)),
        peerFromNothing(bench, peerInContainers),
        peerFromNothing(bench, peerInOpenContainers),
        oursFromNothing(bench, inContainers, goal),
      ]
    },
  },
  { id: 'a2', title: 'open a workspace', engine: true, rounds: 20, quickRounds: 4, warmUp: 1, setUp: warm },
]
