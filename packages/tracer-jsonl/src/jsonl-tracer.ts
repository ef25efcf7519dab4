import { join, resolve } from 'node:path'
import { RingfenceError, type Tracer } from '@ringfence/core'
import { makeLineWriter } from './line-writer.ts'
import { makeSpan } from './span-line.ts'

/** Where the lines go: exactly one of the two. Paths begin at the working directory where they are relative. */
export type JsonlTracerOptions =
  | {
      /** One file for all spans. It is made (0600) with the folders above (0700), and only ever added to. */
      readonly file: string
      readonly directory?: undefined
    }
  | {
      /** A folder with a file for each trace, `<traceId>.jsonl`: what a run did, also after it was resumed. */
      readonly directory: string
      readonly file?: undefined
    }

const TRACE_ID = /^[0-9a-f]{32}$/

function invalid(message: string, hint: string): RingfenceError {
  return new RingfenceError('config.invalid', message, { provider: 'tracer-jsonl', operation: 'jsonlTracer', hint, effect: 'none' })
}

/**
 * Spans as lines of JSON in a file. Several processes may add to one file. A span is written soon after its end, in the
 * background; `flush` waits for it. Nothing here throws into the run: what could not be written is told by `flush` and
 * `shutdown` as `tracer.failed`. Making the tracer does no I/O.
 *
 * @throws `config.invalid` unless exactly one path is given.
 */
export function jsonlTracer(options: JsonlTracerOptions): Tracer {
  const { file, directory } = options
  if ((file === undefined) === (directory === undefined))
    throw invalid('Exactly one of `file` and `directory` is needed', 'Give the path of a file, or of a folder with a file for each trace.')
  const given = file ?? directory ?? ''
  if (typeof given !== 'string' || given === '' || given.includes('\0'))
    throw invalid(`${JSON.stringify(given)} is no path`, 'Give the path of a file or a folder.')
  const where = resolve(given)
  const writer = makeLineWriter(where)
  let shut = false
  return {
    specificationVersion: 'tracer-v1',
    name: 'jsonl',
    startSpan: (name, spanOptions) =>
      makeSpan(name, spanOptions, (line) => {
        if (shut) return
        if (directory !== undefined && !TRACE_ID.test(line.traceId))
          writer.lose(invalid(`The trace id ${JSON.stringify(line.traceId)} is not 32 hex digits`, 'It names the file of the trace.'))
        else writer.add(directory === undefined ? where : join(where, `${line.traceId}.jsonl`), JSON.stringify(line))
      }),
    flush: () => writer.flush(),
    async shutdown() {
      shut = true
      await writer.flush()
    },
  }
}
