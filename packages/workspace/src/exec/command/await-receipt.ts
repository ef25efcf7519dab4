import { type Clock, isRingfenceError } from '@ringfence/core'
import { execErrors } from '../errors.ts'
import type { Lane } from '../lane.ts'
import { requests } from '../script/requests.ts'
import { type Outcome, parseReceipt, type Receipt } from './receipt.ts'

/** A claim that stays half written for so many looks belongs to a driver that died in the middle of it. */
const HALF_CLAIMS = 40
const FIRST_MS = 20
const LAST_MS = 1000

/**
 * Reads a receipt once. `undefined`: there is none.
 *
 * @throws `exec.lost` when it contradicts itself.
 */
export async function readReceipt(lane: Lane, opId: string, name: string): Promise<Receipt | undefined> {
  const answer = await lane.call({ text: requests.read(name) }, 'always')
  if (answer.kind === 'refused' && answer.words[0] === 'none') return undefined
  if (answer.kind !== 'done') {
    if (answer.kind === 'lost' && isRingfenceError(answer.cause, 'sandbox.closed')) throw answer.cause
    throw execErrors.lost(opId, 'its receipt cannot be read', { cause: execErrors.channel(answer) })
  }
  const receipt = parseReceipt(answer.words, opId)
  if (!receipt) throw execErrors.lost(opId, 'its receipt is contradictory')
  const over = receipt.state === 'running' && receipt.claim.boot !== lane.boot
  return over ? { state: 'dead', claim: receipt.claim } : receipt
}

/**
 * Reads a receipt that must be there, and waits for one that is half written.
 *
 * @throws `exec.lost`
 */
export async function readClaimed(
  lane: Lane,
  opId: string,
  name: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Exclude<Receipt, { state: 'claimed' }>> {
  for (let looks = 0; looks < HALF_CLAIMS; looks++) {
    const receipt = await readReceipt(lane, opId, name)
    if (!receipt) throw execErrors.lost(opId, 'it has no receipt', { effect: 'none', receipt: 'missing' })
    if (receipt.state !== 'claimed') return receipt
    await clock.sleep(FIRST_MS * 2, { signal })
  }
  throw execErrors.lost(opId, 'its claim was never finished')
}

/**
 * Waits by looking until a command has ended.
 *
 * @throws `exec.lost` when its supervisor died without a status.
 */
export async function awaitOutcome(lane: Lane, opId: string, name: string, clock: Clock, signal: AbortSignal): Promise<Outcome> {
  for (let wait = FIRST_MS; ; wait = Math.min(wait * 2, LAST_MS)) {
    const receipt = await readClaimed(lane, opId, name, clock, signal)
    if (receipt.state === 'ended') return receipt.outcome
    if (receipt.state === 'dead') throw execErrors.lost(opId, 'it ended without a status, or with an earlier life of the sandbox')
    await clock.sleep(wait, { signal })
  }
}
