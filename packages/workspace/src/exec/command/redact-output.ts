import type { OutputChunk } from '@ringfence/core'
import type { Redactor } from '../context.ts'

/** Passes output through a redactor for each stream. What one holds back comes with the end. */
export async function* redactOutput(output: AsyncIterable<OutputChunk>, redact: (() => Redactor) | undefined): AsyncGenerator<OutputChunk> {
  if (!redact) {
    yield* output
    return
  }
  const streams = { 1: redact(), 2: redact() } as const
  for await (const { fd, bytes } of output) {
    const clean = streams[fd](bytes, false)
    if (clean.length > 0) yield { fd, bytes: clean }
  }
  for (const fd of [1, 2] as const) {
    const rest = streams[fd](new Uint8Array(), true)
    if (rest.length > 0) yield { fd, bytes: rest }
  }
}
