import { isUtf8 } from 'node:buffer'
import type { OutputChunk } from '@ringfence/core'

/** Output that was gathered: valid UTF-8, and when it was too much, its beginning and its end. */
export interface CollectedOutput {
  /** The beginning, or everything when nothing was left out. */
  readonly head: Buffer
  /** The end; empty when nothing was left out. */
  readonly tail: Buffer
  /** Bytes that were printed, with those that were left out. */
  readonly totalBytes: number
  /** Lines that were printed, with those that were left out. */
  readonly totalLines: number
}

/** Gathers the output of a command in bounded memory. */
export interface OutputBuffer {
  push(chunk: OutputChunk): void
  /** No more comes: an incomplete character at the end is shown as U+FFFD. */
  end(): void
  /** What came since the last call, without a character of which a part is still to come. */
  take(): CollectedOutput
}

/** Bytes of one session that are held in memory. */
const MAX_SESSION_BYTES: number = 1024 * 1024

/** Makes a buffer that holds at most `limit` bytes: the first and the last half of what comes. Default 1 MiB. */
export function createOutputBuffer(limit: number = MAX_SESSION_BYTES): OutputBuffer {
  const half = Math.floor(limit / 2)
  const partial: Record<1 | 2, Buffer> = { 1: Buffer.alloc(0), 2: Buffer.alloc(0) }
  let head = growingBytes(half)
  let tail = ringOfBytes(half)
  let totalBytes = 0
  let newlines = 0
  let endsLine = true

  const add = (bytes: Buffer): void => {
    const text = isUtf8(bytes) ? bytes : Buffer.from(bytes.toString('utf8'))
    if (text.length === 0) return
    totalBytes += text.length
    newlines += countNewlines(text)
    endsLine = text[text.length - 1] === 0x0a
    tail.push(head.push(text))
  }

  return {
    push({ fd, bytes }) {
      const all = Buffer.concat([partial[fd], bytes])
      const whole = all.length - incompleteTail(all)
      partial[fd] = Buffer.from(all.subarray(whole))
      add(all.subarray(0, whole))
    },
    end() {
      for (const fd of [1, 2] as const) {
        add(partial[fd])
        partial[fd] = Buffer.alloc(0)
      }
    },
    take() {
      const start = head.bytes()
      const end = tail.bytes()
      const isWhole = start.length + end.length === totalBytes
      const collected: CollectedOutput = {
        head: isWhole ? Buffer.concat([start, end]) : start.subarray(0, start.length - incompleteTail(start)),
        tail: isWhole ? Buffer.alloc(0) : end.subarray(continuationHead(end)),
        totalBytes,
        totalLines: newlines + (endsLine ? 0 : 1),
      }
      head = growingBytes(half)
      tail = ringOfBytes(half)
      totalBytes = 0
      newlines = 0
      endsLine = true
      return collected
    },
  }
}

/** Bytes up to a limit; what has no room is returned. */
function growingBytes(limit: number): { push(bytes: Buffer): Buffer; bytes(): Buffer } {
  let store = Buffer.alloc(0)
  let length = 0
  return {
    push(bytes) {
      const taken = bytes.subarray(0, limit - length)
      if (length + taken.length > store.length) {
        const larger = Buffer.alloc(Math.min(limit, Math.max(4096, 2 * (length + taken.length))))
        store.copy(larger, 0, 0, length)
        store = larger
      }
      taken.copy(store, length)
      length += taken.length
      return bytes.subarray(taken.length)
    },
    bytes: () => store.subarray(0, length),
  }
}

/** The last bytes of all that were pushed. */
function ringOfBytes(limit: number): { push(bytes: Buffer): void; bytes(): Buffer } {
  let store = Buffer.alloc(0)
  let position = 0
  let filled = 0
  return {
    push(bytes) {
      if (bytes.length === 0) return
      if (store.length === 0) store = Buffer.alloc(limit)
      const kept = bytes.subarray(Math.max(0, bytes.length - limit))
      const first = kept.copy(store, position)
      kept.copy(store, 0, first)
      position = (position + kept.length) % limit
      filled = Math.min(limit, filled + kept.length)
    },
    bytes: () => (filled < limit ? store.subarray(0, filled) : Buffer.concat([store.subarray(position), store.subarray(0, position)])),
  }
}

/** How many bytes at the end begin a character that is not complete. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 && byte < 0xe0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}

/** How many bytes at the beginning belong to a character that began before. */
export function continuationHead(bytes: Uint8Array): number {
  let count = 0
  while (count < Math.min(3, bytes.length) && ((bytes[count] ?? 0) & 0xc0) === 0x80) count++
  return count
}

function countNewlines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) count++
  return count
}
