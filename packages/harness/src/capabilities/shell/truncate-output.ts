import { type CollectedOutput, continuationHead, incompleteTail } from './output-buffer.ts'

/** Bytes that count as one token. */
const BYTES_PER_TOKEN = 4

/** Tokens of output that a call shows when the model names no number. */
export const DEFAULT_OUTPUT_TOKENS = 10_000

/** The estimate of how many tokens some bytes are. */
export function tokensOf(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN)
}

/**
 * The text of gathered output within a budget: all of it, or its first and its last half under a line that counts the
 * lines, with a marker between them. Header and marker are within the budget; a budget that has room for neither
 * yields the empty text.
 *
 * @param maxTokens tokens of 4 bytes each.
 */
export function renderOutput(output: CollectedOutput, maxTokens: number): string {
  const { head, tail, totalBytes, totalLines } = output
  const budget = maxTokens * BYTES_PER_TOKEN
  if (totalBytes === head.length && totalBytes <= budget) return head.toString('utf8')
  const marker = (bytes: number): string => `…${tokensOf(bytes)} tokens truncated…`
  for (const header of [`Total output lines: ${totalLines}\n\n`, '']) {
    const room = budget - Buffer.byteLength(header) - Buffer.byteLength(marker(totalBytes))
    if (room <= 0) continue
    const first = beginning(head, Math.floor(room / 2))
    const last = ending(tail.length > 0 ? tail : head.subarray(first.length), Math.ceil(room / 2))
    return `${header}${first.toString('utf8')}${marker(totalBytes - first.length - last.length)}${last.toString('utf8')}`
  }
  return ''
}

function beginning(bytes: Buffer, length: number): Buffer {
  const cut = bytes.subarray(0, length)
  return cut.subarray(0, cut.length - incompleteTail(cut))
}

function ending(bytes: Buffer, length: number): Buffer {
  const cut = bytes.subarray(Math.max(0, bytes.length - length))
  return cut.subarray(continuationHead(cut))
}
