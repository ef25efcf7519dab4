import type { Redactor } from '../context.ts'
import type { Operation } from './operation.ts'
import { INLINE_BYTES, readRange, spoolSizes } from './spool.ts'

/** One stream, as much of it as may be kept. */
export interface Collected {
  readonly text: string
  readonly truncated: boolean
  /** All that the command printed there. */
  readonly bytes: number
}

/** Read beyond a cut, so that a secret that lies across it is seen whole. */
const OVERLAP = 65_536

const plain = (): Redactor => (bytes) => bytes

/** Collects one stream of a command that has ended. The middle of more than `maxBytes` is left out. */
export async function collect(
  operation: Operation,
  index: 0 | 1,
  maxBytes: number,
  redact: (() => Redactor) | undefined,
  signal: AbortSignal,
): Promise<Collected> {
  const inline = operation.inline()?.[index]
  const known = inline && inline.length < INLINE_BYTES ? inline.length : operation.ended()?.bytes[index]
  const size = known ?? (await spoolSizes(operation.lane, operation.opId, operation.name))[index]
  if (size === 0) return { text: '', truncated: false, bytes: 0 }
  const half = Math.floor(maxBytes / 2)
  const read = (from: number, to: number): Promise<Buffer> =>
    readAll(operation, index, inline ?? new Uint8Array(), from, to, redact, signal)
  if (size <= maxBytes + 2 * OVERLAP) {
    const all = await read(0, Math.min(size, operation.maxSpoolBytes))
    if (all.length <= maxBytes) return { text: decode(all), truncated: false, bytes: size }
    return { text: cut(all.subarray(0, half), all.subarray(all.length - half), all.length - 2 * half), truncated: true, bytes: size }
  }
  const head = await read(0, half + OVERLAP)
  const tail = await read(size - half - OVERLAP, size)
  const kept = [head.subarray(0, half), tail.subarray(Math.max(0, tail.length - half))] as const
  return { text: cut(kept[0], kept[1], size - 2 * half), truncated: true, bytes: size }
}

async function readAll(
  { lane, opId, name, spool }: Operation,
  index: 0 | 1,
  inline: Uint8Array,
  from: number,
  to: number,
  redact: (() => Redactor) | undefined,
  signal: AbortSignal,
): Promise<Buffer> {
  const change = (redact ?? plain)()
  const parts: Uint8Array[] = []
  const have = inline.subarray(from, to)
  if (have.length > 0) parts.push(change(have, false))
  const range = { opId, name, spool, fd: index === 0 ? 1 : 2, from: from + have.length, to } as const
  if (range.from < to) for await (const bytes of readRange(lane, range, signal)) parts.push(change(bytes, false))
  parts.push(change(new Uint8Array(), true))
  return parts.length === 2 && parts[1]?.length === 0 ? Buffer.from(parts[0] ?? []) : Buffer.concat(parts)
}

const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)

/** Joins what is kept, without the halves of characters at the cut. */
function cut(head: Buffer, tail: Buffer, leftOut: number): string {
  let end = head.length
  for (let back = 1; back <= 3 && back <= head.length; back++) {
    const byte = head[head.length - back] ?? 0
    if (byte < 0x80) break
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      if (length > back) end = head.length - back
      break
    }
  }
  let begin = 0
  while (begin < 3 && begin < tail.length && ((tail[begin] ?? 0) & 0xc0) === 0x80) begin++
  return `${decode(head.subarray(0, end))}\n[... ${leftOut + head.length - end + begin} bytes left out ...]\n${decode(tail.subarray(begin))}`
}
