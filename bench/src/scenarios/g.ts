import type { Bench } from '../bench.ts'
import { openRaw } from '../engine/open-raw.ts'
import type { RawEngine } from '../engine/raw-engine.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { shell } from '../floors/run-raw.ts'
import { leftBy } from '../leftovers.ts'
import { inContainers, onThisMachine } from '../ours/providing.ts'
import { peerInContainers, peerOnThisMachine } from '../peer/open-peer.ts'
import { aheadOf, atMost, type Case, type Role, type Variant } from '../scenario.ts'
import { expect, timed } from '../timing.ts'
import { rawLife } from './a1.ts'
import { rawContainerLife } from './a2.ts'
import { COMMAND, EXPECTED, lifeOfOurs, lifeOfPeer } from './parts/whole-life.ts'

const COUNTS = [1, 8, 32, 64]
const MOST = 64
const MOST_MB = 64

/** Who makes sandboxes. */
interface Maker {
  readonly name: string
  readonly role: Role
  /** What all sandboxes of one sample share; then one life of one sandbox. */
  begin(): () => Promise<string>
}

/** So many at once, from nothing to nothing. */
async function atOnce(count: number, { begin, name }: Maker): Promise<void> {
  const live = begin()
  const outputs = await Promise.all(Array.from({ length: count }, live))
  const wrong = outputs.find((output) => output !== EXPECTED)
  expect(wrong === undefined, `one sandbox of ${name} printed "${wrong}"`)
}

/** Milliseconds for each of so many. */
function timing(count: number, maker: Maker, peer: string): Variant {
  return {
    name: maker.name,
    role: maker.role,
    goal: maker.role === 'ours' ? aheadOf(peer) : undefined,
    sample: async () => (await timed(() => atOnce(count, maker))) / count,
  }
}

/** Things that are there afterwards and were not before. */
function leaving(bench: Bench, engine: RawEngine | undefined, maker: Maker): Variant {
  return {
    name: maker.name,
    role: maker.role,
    goal: maker.role === 'ours' ? atMost(0) : undefined,
    asserted: true,
    async sample() {
      const left = await leftBy(bench, engine, () => atOnce(MOST, maker))
      for (const thing of left) console.error(`${maker.name} leaves ${thing}`)
      return left.length
    },
  }
}

interface Place {
  readonly about: { readonly id: string; readonly engine: boolean }
  readonly peer: string
  makers(bench: Bench, engine: RawEngine | undefined): readonly Maker[]
}

const HERE: Place = {
  about: { id: 'g', engine: false },
  peer: peerOnThisMachine.name,
  makers: (bench) => [
    {
      name: 'bwrap',
      role: 'floor',
      begin: () => () => rawLife(bench, (folder) => bubblewrapped(folder, shell(COMMAND))),
    },
    { name: peerOnThisMachine.name, role: 'peer', begin: () => () => lifeOfPeer(bench, peerOnThisMachine) },
    {
      name: 'ringfence',
      role: 'ours',
      begin() {
        const provider = onThisMachine(bench)
        return () => lifeOfOurs(bench, provider)
      },
    },
  ],
}

const IN_CONTAINERS: Place = {
  about: { id: 'g-docker', engine: true },
  peer: peerInContainers.name,
  makers: (bench, engine) => [
    ...(engine ? [{ name: 'engine API, no network', role: 'floor' as const, begin: () => () => rawContainerLife(engine, false) }] : []),
    { name: peerInContainers.name, role: 'peer', begin: () => () => lifeOfPeer(bench, peerInContainers) },
    {
      name: 'ringfence',
      role: 'ours',
      begin() {
        const provider = inContainers(bench)
        return () => lifeOfOurs(bench, provider)
      },
    },
  ],
}

function casesOf({ about, peer, makers }: Place): Case[] {
  const rawOf = (bench: Bench): RawEngine | undefined => (about.engine ? openRaw(bench) : undefined)
  const inTime = COUNTS.map((count): Case => {
    return {
      ...about,
      title: `${count} at once: create, \`echo hello\`, close; for each`,
      rounds: about.engine ? 2 : 5,
      quickRounds: 1,
      warmUp: count === 1 ? 1 : 0,
      memory: count === MOST ? { maxMb: MOST_MB } : undefined,
      setUp: async (bench) => makers(bench, rawOf(bench)).map((maker) => timing(count, maker, peer)),
    }
  })
  return [
    ...inTime,
    {
      ...about,
      title: `${MOST} at once: sockets, processes, containers and volumes that are left`,
      unit: 'count',
      rounds: 1,
      quickRounds: 1,
      warmUp: 0,
      async setUp(bench) {
        const engine = rawOf(bench)
        // The connections of a floor stay open for the next request.
        return makers(bench, engine)
          .filter(({ role }) => role !== 'floor')
          .map((maker) => leaving(bench, engine, maker))
      },
    },
  ]
}

/** Many sandboxes at once, and what they leave. */
export const g: readonly Case[] = casesOf(HERE)
export const gDocker: readonly Case[] = casesOf(IN_CONTAINERS)
