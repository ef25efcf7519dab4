import { keepContainer, openRaw } from '../engine/open-raw.ts'
import { shell } from '../floors/run-raw.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { inContainers } from '../ours/providing.ts'
import { keepPeer, peerInContainers } from '../peer/open-peer.ts'
import { aheadOf, allOf, atMostTimes, type Case } from '../scenario.ts'
import { printing } from './parts/printing.ts'

const COMMANDS = Array.from({ length: 32 }, (_, index) => `echo the line of command ${index}`)
const EXPECTED = COMMANDS.map((command) => command.replace('echo ', '')).join('\n')

/** The output of all, in order. */
async function all(run: (command: string) => Promise<string>): Promise<string> {
  const outputs = await Promise.all(COMMANDS.map(run))
  return outputs.map((output) => output.trimEnd()).join('\n')
}

/** Many commands at once in a container that is there. */
export const b3: Case = {
  id: 'b3',
  title: `${COMMANDS.length} commands at once`,
  engine: true,
  rounds: 20,
  quickRounds: 4,
  warmUp: 1,
  async setUp(bench) {
    const engine = openRaw(bench)
    const container = await keepContainer(bench, engine)
    const workspace = await keepOurs(bench, inContainers(bench))
    const session = await keepPeer(bench, peerInContainers)
    const byPeer = async (cmd: string): Promise<string> => (await session.exec({ cmd, login: false })).stdout
    return [
      printing('floor', 'engine exec', EXPECTED, () => all((command) => engine.outputOf(container, shell(command)))),
      printing('peer', 'agents, no login shell', EXPECTED, () => all(byPeer)),
      printing(
        'ours',
        'ringfence',
        EXPECTED,
        () => all(async (command) => (await workspace.exec(command)).stdout),
        allOf(atMostTimes(0.15, 'engine exec'), aheadOf('agents, no login shell')),
      ),
    ]
  },
}
