import type { OutputChunk } from '@ringfence/core'
import { errors } from './errors.ts'

const HEADER_BYTES = 8
/** What the engine itself has to say of a stream that it cannot go on with. */
const SYSTEM_ERROR = 3

/**
 * Takes the two streams of a process apart. Payloads are handed on as they arrive, never gathered.
 *
 * @throws `provider.failed` for a frame that is cut or is none.
 */
export async function* frames(source: AsyncIterable<Buffer>): AsyncGenerator<OutputChunk> {
  const header = Buffer.alloc(HEADER_BYTES)
  let filled = 0
  let left = 0
  for await (let bytes of source) {
    while (bytes.length > 0) {
      if (left === 0) {
        const taken = bytes.copy(header, filled, 0, HEADER_BYTES - filled)
        filled += taken
        bytes = bytes.subarray(taken)
        if (filled < HEADER_BYTES) break
        left = header.readUInt32BE(4)
        if (left === 0) filled = 0
        if ((header[0] ?? 255) > SYSTEM_ERROR || header[1] !== 0 || header[2] !== 0 || header[3] !== 0) throw broken('is none')
        continue
      }
      const payload = bytes.subarray(0, left)
      bytes = bytes.subarray(payload.length)
      left -= payload.length
      if (left === 0) filled = 0
      if (header[0] === SYSTEM_ERROR)
        throw errors.failed('process.output', `The engine cannot go on with the output: "${payload.toString().trim()}"`)
      yield { fd: header[0] === 2 ? 2 : 1, bytes: payload }
    }
  }
  if (filled > 0) throw broken('was cut')
}

const broken = (how: string): Error => errors.failed('process.output', `A frame of the output ${how}: the connection was cut or altered`)
