import { abortable, type Clock, type OutputChunk } from '@ringfence/core'
import { quote } from '@ringfence/core/plugin'
import { execErrors } from '../errors.ts'
import type { Lane } from '../lane.ts'
import { requests } from '../script/requests.ts'
import type { Outcome } from './receipt.ts'

/** Bytes of each stream that come back together with the end of a command. */
export const INLINE_BYTES = 65_536

/** A rest larger than this is worth a process of its own. */
const BULK_BYTES = 2 << 20
/** What one look takes at most, of each stream: small while little comes, large while much does. */
const SMALL = { blockBytes: 4096, count: 16 } as const
const LARGE = { blockBytes: 65_536, count: 64 } as const

interface Look {
  readonly pieces: readonly [readonly Uint8Array[], readonly Uint8Array[]]
  /** Of both. */
  readonly bytes: number
  /** There was as much as was asked for, so that there may be more. */
  readonly full: boolean
}

/** Reads both spools from their offsets on; a stream whose `wanted` is false is left out. */
async function look(
  lane: Lane,
  opId: string,
  name: string,
  at: readonly [number, number],
  wanted: readonly [boolean, boolean],
  large: boolean,
): Promise<Look> {
  const { blockBytes, count } = large ? LARGE : SMALL
  const skip = [Math.floor(at[0] / blockBytes), Math.floor(at[1] / blockBytes)] as const
  const ahead = [at[0] - skip[0] * blockBytes, at[1] - skip[1] * blockBytes] as const
  let pieces: [Uint8Array[], Uint8Array[]] = [[], []]
  let read: [number, number] = [0, 0]
  const range = { blockBytes, skip, count: [wanted[0] ? count : 0, wanted[1] ? count : 0] as const }
  const text = (q: number): string => {
    // A repeated look begins anew.
    pieces = [[], []]
    read = [0, 0]
    return requests.poll(name, range)(q)
  }
  const onChunk = (fd: 1 | 2, bytes: Uint8Array): void => {
    const index = fd === 1 ? 0 : 1
    const fresh = bytes.subarray(Math.max(0, ahead[index] - read[index]))
    if (fresh.length > 0) pieces[index].push(fresh)
    read[index] += bytes.length
  }
  const answer = await lane.call({ text, onChunk }, 'always')
  if (answer.kind === 'refused') throw execErrors.lost(opId, 'its receipt was removed')
  if (answer.kind === 'lost') throw answer.cause
  return {
    pieces,
    bytes: Math.max(0, read[0] - ahead[0]) + Math.max(0, read[1] - ahead[1]),
    full: read.some((one) => one >= blockBytes * count),
  }
}

/** Counts both spools as they are now. */
export async function spoolSizes(lane: Lane, opId: string, name: string): Promise<readonly [number, number]> {
  const answer = await lane.call({ text: requests.size(name) }, 'always')
  const [out, err] = answer.kind === 'done' ? answer.words.map(Number) : []
  if (answer.kind === 'refused') throw execErrors.lost(opId, 'its receipt was removed')
  if (!Number.isSafeInteger(out) || !Number.isSafeInteger(err)) throw execErrors.channel(answer)
  return [out ?? 0, err ?? 0]
}

/** Which part of which spool. */
export interface SpoolRange {
  readonly opId: string
  readonly name: string
  /** Its absolute path, without the end that tells the streams apart. */
  readonly spool: string
  readonly fd: 1 | 2
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/** Streams a part of a spool that is there already. Throws `exec.lost` when less is there. */
export async function* readRange(lane: Lane, range: SpoolRange, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  let { from } = range
  const { opId, name, fd, to } = range
  if (lane.live && to - from > BULK_BYTES) {
    for await (const bytes of bulk(lane, range, signal)) {
      from += bytes.length
      yield bytes
    }
  }
  const index = fd === 1 ? 0 : 1
  while (from < to) {
    signal?.throwIfAborted()
    const { pieces } = await look(lane, opId, name, [from, from], [fd === 1, fd === 2], true)
    if (pieces[index].length === 0) throw execErrors.lost(opId, 'its output was cut off by something inside')
    for (const piece of pieces[index]) {
      const fresh = piece.subarray(0, to - from)
      from += fresh.length
      if (fresh.length > 0) yield fresh
    }
  }
}

/** A process of its own, whose output is the bytes alone. What it does not bring is read otherwise. */
async function* bulk(lane: Lane, { spool, fd, from, to }: SpoolRange, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const block = LARGE.blockBytes
  const skip = Math.floor(from / block)
  const file = `${spool}.${fd === 1 ? 'o' : 'e'}`
  const script = `exec dd if=${quote(file)} bs=${block} skip=${skip} count=${Math.ceil(to / block) - skip} 2>/dev/null`
  const process = await lane.spawn(script, [], { signal })
  // The bytes are counted, so that a cut shows without the exit.
  process.exit.catch(() => undefined)
  let ahead = from - skip * block
  let left = to - from
  try {
    for await (const chunk of process.output) {
      if (chunk.fd !== 1) continue
      const bytes = chunk.bytes.subarray(ahead, ahead + left)
      ahead -= Math.min(ahead, chunk.bytes.length)
      left -= bytes.length
      if (bytes.length > 0) yield bytes
      if (left === 0) return
    }
  } finally {
    await process.detach()
  }
}

/** A command whose output is followed. */
export interface Followed {
  readonly opId: string
  readonly name: string
  readonly lane: Lane
  readonly maxSpoolBytes: number
  /** The absolute path of its output, without the end that tells the streams apart. */
  readonly spool: string
  readonly outcome: Promise<Outcome>
  readonly ended: () => Outcome | undefined
}

const FIRST_MS = 15
const LAST_MS = 400

/**
 * The output of a command from its beginning, while it runs and after; at most `maxSpoolBytes` of each stream. Looks
 * less and less often while nothing comes.
 */
export async function* follow(command: Followed, clock: Clock, signal: AbortSignal): AsyncGenerator<OutputChunk> {
  const { lane, opId, name, maxSpoolBytes } = command
  const at: [number, number] = [0, 0]
  const take = (index: 0 | 1, bytes: Uint8Array): OutputChunk | undefined => {
    const kept = bytes.subarray(0, Math.max(0, maxSpoolBytes - at[index]))
    at[index] += kept.length
    return kept.length > 0 ? { fd: index === 0 ? 1 : 2, bytes: kept } : undefined
  }
  let wait = FIRST_MS
  let last: Look | undefined
  while (!command.ended()) {
    if (!last?.full) await pause(command.outcome, wait, clock, signal)
    if (command.ended()) break
    const large = last !== undefined && last.bytes >= SMALL.blockBytes * (SMALL.count - 1)
    last = await look(lane, opId, name, at, [at[0] < maxSpoolBytes, at[1] < maxSpoolBytes], large)
    wait = last.bytes > 0 ? FIRST_MS : Math.min(wait * 2, LAST_MS)
    for (const index of [0, 1] as const)
      for (const piece of last.pieces[index]) {
        const chunk = take(index, piece)
        if (chunk) yield chunk
      }
  }
  const { bytes } = await command.outcome
  const sizes = bytes[0] === undefined || bytes[1] === undefined ? await spoolSizes(lane, opId, name) : bytes
  for (const index of [0, 1] as const) {
    const to = Math.min(sizes[index] ?? 0, maxSpoolBytes)
    for await (const more of readRange(lane, { opId, name, spool: command.spool, fd: index === 0 ? 1 : 2, from: at[index], to }, signal)) {
      const chunk = take(index, more)
      if (chunk) yield chunk
    }
  }
}

/** Waits, but not past the end of the command. */
async function pause(outcome: Promise<unknown>, ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const over = new AbortController()
  try {
    await abortable(Promise.race([clock.sleep(ms, { signal: over.signal }), outcome]), signal)
  } finally {
    over.abort()
  }
}
