const HEADER_BYTES = 8

/** Takes the payloads of both streams out of the frames of an engine, as they come. */
export async function readFrames(source: AsyncIterable<Buffer>, onPayload: (bytes: Buffer) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0)
  let left = 0
  for await (const chunk of source) {
    let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    while (bytes.length > 0) {
      if (left === 0) {
        if (bytes.length < HEADER_BYTES) break
        left = bytes.readUInt32BE(4)
        bytes = bytes.subarray(HEADER_BYTES)
        continue
      }
      const payload = bytes.subarray(0, left)
      onPayload(payload)
      left -= payload.length
      bytes = bytes.subarray(payload.length)
    }
    rest = bytes
  }
  if (rest.length > 0 || left > 0) throw new Error('The engine ended a stream in the middle of a frame')
}
