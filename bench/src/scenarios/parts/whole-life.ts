import type { Provider } from '@ringfence/core'
import type { Bench } from '../../bench.ts'
import { callsOf } from '../../engine/calls.ts'
import { openOurs, type Timeline, timeline } from '../../ours/open-ours.ts'
import type { Providing } from '../../ours/providing.ts'
import type { Peering } from '../../peer/open-peer.ts'
import type { Goal, Phase, Variant } from '../../scenario.ts'
import { printing } from './printing.ts'

export const COMMAND = 'echo hello'
export const EXPECTED = 'hello\n'

/** A sandbox from nothing to a command's output to nothing. */
export async function lifeOfOurs(bench: Bench, provider: Provider, times?: Timeline): Promise<string> {
  const workspace = await openOurs(bench, { provider, times })
  const { stdout } = await workspace.exec(COMMAND)
  await workspace.destroy()
  return stdout
}

export async function lifeOfPeer(bench: Bench, peering: Peering): Promise<string> {
  const session = await peering.open(bench, {})
  const { stdout } = await session.exec({ cmd: COMMAND })
  await session.close()
  return stdout
}

/** As a variant, with where the time went. */
export function oursFromNothing(bench: Bench, providing: Providing, goal: Goal): Variant {
  let phases: readonly Phase[] = []
  const live = async (): Promise<string> => {
    const times = timeline()
    let output = ''
    const calls = await callsOf(async () => {
      output = await lifeOfOurs(bench, providing(bench), times)
    })
    phases = [...times.phases(), ...calls]
    return output
  }
  return { ...printing('ours', 'ringfence', EXPECTED, live, goal), phases: () => phases }
}

export function peerFromNothing(bench: Bench, peering: Peering): Variant {
  return printing('peer', peering.name, EXPECTED, () => lifeOfPeer(bench, peering))
}
