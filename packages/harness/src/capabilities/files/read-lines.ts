/** A line of a file, without its end. */
export interface NumberedLine {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** Characters at the end that were left out. */
  readonly omitted: number
}

/** Characters of a line that are kept. */
const MAX_LINE_CHARACTERS = 2_000

/**
 * The lines of a text that comes as bytes in UTF-8, in memory that does not grow with the length of a line. Yields
 * `binary` and ends when a NUL comes, which no text has.
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<NumberedLine | 'binary'> {
  const decoder = new TextDecoder()
  let number = 1
  let text = ''
  let length = 0
  const add = (part: string): void => {
    text += part.slice(0, MAX_LINE_CHARACTERS - text.length)
    length += part.length
  }
  const flush = (): NumberedLine => {
    const hasReturn = length === text.length && text.endsWith('\r')
    const line = { number: number++, text: hasReturn ? text.slice(0, -1) : text, omitted: length - text.length }
    text = ''
    length = 0
    return line
  }
  for await (const chunk of chunks) {
    if (chunk.includes(0)) {
      yield 'binary'
      return
    }
    const parts = decoder.decode(chunk, { stream: true }).split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      add(part)
      yield flush()
    }
    add(last)
  }
  add(decoder.decode())
  if (length > 0) yield flush()
}
