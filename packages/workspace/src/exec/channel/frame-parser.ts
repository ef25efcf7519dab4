import { RingfenceError } from '@ringfence/core'

/** What a channel hands on. Everything in it was written where hostile code runs. */
export interface FrameHandler {
  /** An event of one request: its words, the first of which is its kind. */
  event(sequence: number, words: readonly string[], line: string): void
  chunk(sequence: number, fd: 1 | 2, bytes: Uint8Array): void
  /** The payload of a request is complete. */
  end(sequence: number): void
}

export interface FrameParser {
  /** Throws `provider.failed` when the bytes are not what the script writes. */
  push(bytes: Uint8Array): void
}

/** The channel said something that the script never says. It is dropped; what is true stands in the receipts. */
const breach = (what: string): RingfenceError =>
  new RingfenceError('provider.failed', `The channel into the sandbox broke its protocol: ${what}`, {
    operation: 'exec',
    hint: 'Something inside writes into the channel of the engine.',
  })

const MAX_LINE = 4096
const EVENT = /^(\d{1,12}) ([A-Z][^\0]*)$/

/**
 * Reads one stream of a channel: lines that begin with the token, and between a line `B` and the token again raw
 * bytes. Each byte is looked at once.
 */
export function frameParser(token: string, handler: FrameHandler, frames: boolean): FrameParser {
  const needle = Buffer.from(token, 'latin1')
  let line: Buffer[] = []
  let lineBytes = 0
  let held: Buffer = Buffer.alloc(0)
  let open: { sequence: number; fd: 1 | 2; trailer: boolean } | undefined

  const onLine = (text: string): void => {
    if (open) {
      if (text === ' 2' && open.fd === 1) {
        open.fd = 2
        open.trailer = false
        return
      }
      if (text !== ' 0' || open.fd !== 2) throw breach('a payload ends in no known way')
      const { sequence } = open
      open = undefined
      handler.end(sequence)
      return
    }
    if (!text.startsWith(`${token} `)) throw breach('a line lacks the token of the channel')
    const match = EVENT.exec(text.slice(token.length + 1))
    if (!match) throw breach('a line is no event')
    const sequence = Number(match[1])
    const said = match[2] ?? ''
    if (said === 'B') {
      if (!frames) throw breach('a payload on the stream of events')
      open = { sequence, fd: 1, trailer: false }
      return
    }
    handler.event(sequence, said.split(/ +/), said)
  }

  const takeLine = (bytes: Buffer): Buffer => {
    const at = bytes.indexOf(0x0a)
    const part = at < 0 ? bytes : bytes.subarray(0, at)
    lineBytes += part.length
    if (lineBytes > MAX_LINE) throw breach('a line is too long')
    line.push(part)
    if (at < 0) return bytes.subarray(bytes.length)
    const text = Buffer.concat(line).toString('utf8')
    line = []
    lineBytes = 0
    onLine(text)
    return bytes.subarray(at + 1)
  }

  const takePayload = (frame: { sequence: number; fd: 1 | 2; trailer: boolean }, fresh: Buffer): Buffer => {
    const bytes = held.length > 0 ? Buffer.concat([held, fresh]) : fresh
    held = Buffer.alloc(0)
    const at = bytes.indexOf(needle)
    const end = at < 0 ? bytes.length - overlap(bytes, needle) : at
    if (end > 0) handler.chunk(frame.sequence, frame.fd, bytes.subarray(0, end))
    if (at < 0) {
      held = bytes.subarray(end)
      return bytes.subarray(bytes.length)
    }
    frame.trailer = true
    return bytes.subarray(at + needle.length)
  }

  return {
    push(data) {
      let bytes: Buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
      while (bytes.length > 0) bytes = open && !open.trailer ? takePayload(open, bytes) : takeLine(bytes)
    },
  }
}

/** How many of the last bytes may be the begin of the needle. */
function overlap(bytes: Buffer, needle: Buffer): number {
  const first = needle[0] ?? 0
  let at = bytes.indexOf(first, Math.max(0, bytes.length - needle.length + 1))
  while (at >= 0) {
    const length = bytes.length - at
    if (bytes.compare(needle, 0, length, at) === 0) return length
    at = bytes.indexOf(first, at + 1)
  }
  return 0
}
