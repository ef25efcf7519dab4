import { rm } from 'node:fs/promises'
import type { Bench } from '../bench.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { outputOf, shell } from '../floors/run-raw.ts'
import { openOurs, timeline } from '../ours/open-ours.ts'
import { openPeer } from '../peer/open-peer.ts'
import { atMostTimes, type Case, type Phase, type Variant } from '../scenario.ts'
import { expect, timed } from '../timing.ts'

const COMMAND = 'echo hello'
const EXPECTED = 'hello\n'

function floor(bench: Bench, name: string, role: 'floor' | 'reference', wrap: (folder: string) => readonly string[]): Variant {
  return {
    name,
    role,
    async sample() {
      let output = ''
      const ms = await timed(async () => {
        const folder = await bench.newFolder('floor')
        output = await outputOf(wrap(folder))
        await rm(folder, { recursive: true })
      })
      expect(output === EXPECTED, `the floor printed "${output}"`)
      return ms
    },
  }
}

function ours(bench: Bench): Variant {
  let phases: readonly Phase[] = []
  return {
    name: 'ringfence',
    role: 'ours',
    goal: atMostTimes(1.5, 'bwrap'),
    phases: () => phases,
    async sample() {
      let output = ''
      const times = timeline()
      const ms = await timed(async () => {
        const workspace = await openOurs(bench, undefined, times)
        output = (await workspace.exec(COMMAND)).stdout
        await workspace.destroy()
      })
      phases = times.phases()
      expect(output === EXPECTED, `the sandbox printed "${output}"`)
      return ms
    },
  }
}

function peer(bench: Bench): Variant {
  return {
    name: 'agents, not isolated',
    role: 'peer',
    async sample() {
      let output = ''
      const ms = await timed(async () => {
        const session = await openPeer(bench)
        output = (await session.exec({ cmd: COMMAND })).stdout
        await session.close()
      })
      expect(output === EXPECTED, `the peer printed "${output}"`)
      return ms
    },
  }
}

/** A sandbox from nothing to nothing. */
export const a1: Case = {
  id: 'a1',
  title: 'create, `echo hello`, close',
  rounds: 40,
  quickRounds: 15,
  warmUp: 3,
  async setUp(bench) {
    return [
      floor(bench, 'bwrap', 'floor', (folder) => bubblewrapped(folder, shell(COMMAND))),
      floor(bench, 'sh, not isolated', 'reference', () => shell(COMMAND)),
      peer(bench),
      ours(bench),
    ]
  },
}
