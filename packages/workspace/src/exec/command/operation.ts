import { abortable, type CommandLine, isRingfenceError, RingfenceError } from '@ringfence/core'
import type { Answer } from '../channel/channel.ts'
import type { ExecContext } from '../context.ts'
import { execErrors } from '../errors.ts'
import type { Lane } from '../lane.ts'
import { requests, runRequest } from '../script/requests.ts'
import { awaitOutcome, readClaimed, readReceipt } from './await-receipt.ts'
import { type Claim, formatClaim, type Outcome, parseOutcome } from './receipt.ts'
import type { Followed } from './spool.ts'

/** All that one command needs, checked. */
export interface OperationSpec {
  readonly opId: string
  readonly name: string
  readonly digest: string
  readonly line: CommandLine
  /** Absolute. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly envFile: string | undefined
  readonly stdin: 'none' | 'live' | Uint8Array | string
  readonly timeoutMs: number | undefined
  readonly maxSpoolBytes: number
  /** Bytes of each stream that come back with the end; 0: none. */
  readonly inlineBytes: number
}

/** A command under a receipt. */
export interface Operation extends Followed {
  /** What the receipt says: of a command that was joined, what the other one claimed. */
  readonly claim: () => Claim
  /** Rejects when it did not start, or belongs to somebody else. */
  readonly started: Promise<void>
  /** What came back with the end, when that was asked for and the command ended on this channel. */
  readonly inline: () => readonly [Uint8Array, Uint8Array] | undefined
  /** On the clock of the harness, monotonic. */
  readonly since: number
  /** Its spool is being watched inside. */
  watched: boolean
  /** Gives it up: its supervisor is dead. */
  lose(why: string): void
}

/** Commands that name these write into a spool by its path, which would cut it; they get pipes. */
const STREAM_PATH = /\/dev\/std|\/dev\/fd\/|\/proc\/self\/fd|\/proc\/\$\$\/fd/

const isPiped = (line: CommandLine): boolean => (typeof line === 'string' ? [line] : line).some((word) => STREAM_PATH.test(word))

/** Starts a command, or joins it where its id ran already. Does not wait. */
export function startOperation(context: ExecContext, lane: Lane, spec: OperationSpec): Operation {
  const { opId, name, maxSpoolBytes } = spec
  const kind = spec.stdin === 'live' ? 'live' : 'plain'
  const claim: Claim = { digest: spec.digest, boot: lane.boot, maxSpoolBytes, kind, opId }
  let inline: [Uint8Array[], Uint8Array[]] = [[], []]
  let complete = false
  const text = runRequest({
    name,
    claim: formatClaim(claim),
    cwd: spec.cwd,
    stdin: spec.stdin,
    piped: isPiped(spec.line),
    inlineBytes: spec.inlineBytes,
    timeoutMs: spec.timeoutMs,
    graceMs: context.killGraceMs,
    env: spec.env,
    envFile: spec.envFile,
    path: spec.env.PATH ?? context.env.PATH,
    line: spec.line,
  })
  return track(context, lane, claim, name, {
    inline: () => (complete ? [Buffer.concat(inline[0]), Buffer.concat(inline[1])] : undefined),
    async run(onStarted, adopt) {
      const answer = await lane.call(
        {
          text: (q) => {
            inline = [[], []]
            return text(q)
          },
          onStarted,
          onChunk: (fd, bytes) => inline[fd === 1 ? 0 : 1].push(bytes),
        },
        'always',
      )
      if (answer.kind === 'done') {
        const outcome = parseOutcome(answer.words)
        if (!outcome) throw execErrors.lost(opId, 'its status is contradictory')
        complete = spec.inlineBytes > 0
        return outcome
      }
      // Nothing ran that would have removed the file.
      if (answer.kind === 'refused' && spec.envFile !== undefined) await dropFiles(lane, [spec.envFile])
      return join(context, lane, spec, answer, onStarted, adopt)
    },
  })
}

/** What is to be done when the script did not run the command to its end. */
async function join(
  context: ExecContext,
  lane: Lane,
  spec: OperationSpec,
  answer: Answer,
  onStarted: () => void,
  adopt: (claim: Claim) => void,
): Promise<Outcome> {
  const { opId, name, digest } = spec
  const [word] = answer.kind === 'refused' ? answer.words : []
  if (word === 'cwd') throw execErrors.noCwd(spec.cwd)
  if (word === 'program') throw execErrors.noCommand(typeof spec.line === 'string' ? 'sh' : (spec.line[0] ?? ''))
  if (word === 'claim') throw execErrors.noReceipt(opId)
  if (answer.kind === 'lost' && isRingfenceError(answer.cause, 'sandbox.closed')) throw answer.cause
  const receipt = await readClaimed(lane, opId, name, context.clock, context.closing)
  if (receipt.claim.digest !== digest) throw execErrors.lost(opId, 'another command ran under this id', { effect: 'none' })
  adopt(receipt.claim)
  onStarted()
  if (receipt.state === 'ended') return receipt.outcome
  return awaitOutcome(lane, opId, name, context.clock, context.closing)
}

/** Takes up a command that another process, or another channel, started. */
export function joinOperation(context: ExecContext, lane: Lane, claim: Claim, name: string): Operation {
  return track(context, lane, claim, name, {
    inline: () => undefined,
    run(onStarted) {
      onStarted()
      return awaitOutcome(lane, claim.opId, name, context.clock, context.closing)
    },
  })
}

interface Tracked {
  readonly inline: Operation['inline']
  run(onStarted: () => void, adopt: (claim: Claim) => void): Promise<Outcome>
}

function track(context: ExecContext, lane: Lane, claim: Claim, name: string, { run, inline }: Tracked): Operation {
  let ended: Outcome | undefined
  let current = claim
  let onStarted = (): void => undefined
  let giveUp = (_: unknown): void => undefined
  const given = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  const begun = new Promise<void>((resolve) => {
    onStarted = resolve
  })
  const adopt = (other: Claim): void => {
    current = other
  }
  const outcome = Promise.race([run(onStarted, adopt), given]).then((result) => {
    ended = result
    return result
  })
  const started = Promise.race([begun, outcome.then(() => undefined)])
  const operation: Operation = {
    opId: claim.opId,
    name,
    lane,
    claim: () => current,
    maxSpoolBytes: claim.maxSpoolBytes,
    spool: `${lane.control.path}/${name}`,
    outcome,
    started,
    ended: () => ended,
    inline,
    since: context.clock.monotonic(),
    watched: false,
    lose: (why) => giveUp(execErrors.lost(claim.opId, why)),
  }
  context.running.add(operation)
  const leave = (): boolean => context.running.delete(operation)
  outcome.then(leave, leave)
  // Whoever waits for them gets the rejection; one that nobody waits for ends nothing.
  given.catch(() => undefined)
  started.catch(() => undefined)
  return operation
}

/**
 * Signals a command, or with a grace in milliseconds ends all of it.
 *
 * @throws what the lane throws; `provider.failed` when it is not known whether the signal arrived.
 */
export async function killOperation(lane: Lane, name: string, signal: 'TERM' | 'KILL' | 'INT', graceMs?: number): Promise<void> {
  const answer = await lane.call({ text: requests.kill(name, signal, graceMs) }, 'always')
  if (answer.kind === 'lost') throw answer.cause instanceof RingfenceError ? answer.cause : execErrors.channel(answer)
}

/** Ends all of a command that is not wanted any more, and waits until it is gone; at most its grace and a few seconds. */
export async function endOperation(context: ExecContext, operation: Operation): Promise<void> {
  const { lane, name, opId, outcome } = operation
  const over = new AbortController()
  const limit = context.clock.sleep(context.killGraceMs + END_MS, { signal: over.signal, unref: true })
  const settled = outcome.then(
    // How it ended is told by the outcome; here only that it did.
    () => undefined,
    () => undefined,
  )
  const end = async (): Promise<void> => {
    if (lane.live) await Promise.race([operation.started, settled])
    else await untilClaimed(context, operation, settled)
    if (operation.ended()) return
    await killOperation(lane, name, 'TERM', context.killGraceMs)
    await settled
  }
  try {
    await Promise.race([end(), limit])
  } catch (error) {
    throw execErrors.lost(opId, 'it could not be killed', { cause: error })
  } finally {
    over.abort()
    // The watch over the limit ends with the command; what it found is in the receipt.
    limit.catch(() => undefined)
  }
}

const END_MS = 15_000
const LOOK_MS = 25

/** Waits until a command has a receipt, where no event tells of it, or has settled. */
export async function untilClaimed({ clock, closing }: ExecContext, operation: Operation, settled: Promise<void>): Promise<void> {
  let over = false
  const stop = settled.then(() => {
    over = true
  })
  // The race below tells it; it may come while nobody waits.
  stop.catch(() => undefined)
  for (let wait = LOOK_MS; !over; wait = Math.min(wait * 2, 500)) {
    if (await readReceipt(operation.lane, operation.opId, operation.name)) return
    const waiting = new AbortController()
    try {
      await abortable(Promise.race([clock.sleep(wait, { signal: waiting.signal }), stop]), closing)
    } finally {
      waiting.abort()
    }
  }
}

/** Removes files of the engine by their paths. */
export async function dropFiles(lane: Lane, paths: readonly string[]): Promise<void> {
  const names = paths.map((path) => path.slice(path.lastIndexOf('/') + 1))
  const answer = await lane.call({ text: requests.drop(names) }, 'always')
  if (answer.kind !== 'done') throw execErrors.channel(answer)
}
