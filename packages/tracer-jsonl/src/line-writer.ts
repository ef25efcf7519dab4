import { RingfenceError } from '@ringfence/core'
import { appendLines } from './append-lines.ts'

/** Bytes of one write. Lines beyond wait for the next one. */
const BATCH_BYTES = 1024 * 1024

/** Characters that wait to be written; beyond, spans are lost rather than memory. */
export const MAX_WAITING = 64 * 1024 * 1024

/** Writes lines in the background. Nothing is thrown before `flush`. */
export interface LineWriter {
  add(path: string, line: string): void
  /** Tells that a span was lost before it came this far. */
  lose(cause: unknown): void
  /**
   * Waits until what was added is written.
   *
   * @throws `tracer.failed` when spans were lost since the last flush; it counts them.
   */
  flush(): Promise<void>
}

interface Loss {
  spans: number
  readonly cause: unknown
}

export function makeLineWriter(where: string): LineWriter {
  const waiting = new Map<string, string[]>()
  let characters = 0
  let writing: Promise<void> | undefined
  let loss: Loss | undefined

  const lose = (spans: number, cause: unknown): void => {
    loss ??= { spans: 0, cause }
    loss.spans += spans
  }

  /** Takes the next lines of one file. */
  const take = (): { path: string; batch: string[] } | undefined => {
    for (const [path, lines] of waiting) {
      let length = 0
      let count = 0
      while (count < lines.length && length < BATCH_BYTES) {
        length += lines[count]?.length ?? 0
        count += 1
      }
      const batch = lines.splice(0, count)
      if (lines.length === 0) waiting.delete(path)
      characters -= length
      return { path, batch }
    }
    return undefined
  }

  const drain = async (): Promise<void> => {
    for (let next = take(); next; next = take()) {
      try {
        await appendLines(next.path, next.batch)
      } catch (error) {
        lose(next.batch.length, error)
      }
    }
    writing = undefined
  }

  return {
    lose: (cause) => lose(1, cause),
    add(path, line) {
      if (characters + line.length > MAX_WAITING) {
        lose(1, 'more came than could be written')
        return
      }
      const lines = waiting.get(path)
      if (lines) lines.push(line)
      else waiting.set(path, [line])
      characters += line.length
      // Spans that end while a write is under way go out together with the next one: no timer is needed.
      writing ??= Promise.resolve().then(drain)
    },
    async flush() {
      await writing
      if (!loss) return
      const { spans, cause } = loss
      loss = undefined
      throw new RingfenceError(
        'tracer.failed',
        `${spans === 1 ? 'A span was' : `${spans} spans were`} not written to "${where}": ${cause instanceof Error ? cause.message : String(cause)}`,
        {
          provider: 'tracer-jsonl',
          operation: 'flush',
          hint: 'Check that the folder may be written and has room. The run went on; these spans are lost.',
          effect: 'done',
          details: { spans },
          cause,
        },
      )
    },
  }
}
