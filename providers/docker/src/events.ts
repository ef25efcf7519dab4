import { addAbortSignal, type Readable } from 'node:stream'
import { errors } from './errors.ts'

/** A line of what an engine tells of a long work. */
export interface EngineEvent {
  readonly status?: string
  /** The layer that it is about. */
  readonly id?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
  /** Output of a build. */
  readonly stream?: string
  readonly aux?: { readonly ID?: string }
}

/**
 * Reads what an engine tells of a long work, to its end.
 *
 * @throws `provider.failed` when the work failed, with the words of the engine, and when the connection was cut.
 */
export async function* eventsOf(stream: Readable, signal: AbortSignal): AsyncGenerator<EngineEvent> {
  let rest = ''
  addAbortSignal(signal, stream.setEncoding('utf8'))
  try {
    for await (const chunk of stream) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      yield* lines.flatMap(parsed)
    }
    yield* parsed(rest)
  } finally {
    stream.destroy()
  }
}

function parsed(line: string): EngineEvent[] {
  if (line.trim() === '') return []
  let event: EngineEvent & { readonly error?: unknown; readonly errorDetail?: { readonly message?: unknown } }
  try {
    event = JSON.parse(line)
  } catch (cause) {
    throw errors.failed('sandbox.create', `the engine reports its progress in no JSON: "${line.slice(0, 200)}"`, cause)
  }
  const failure = event.errorDetail?.message ?? event.error
  if (failure !== undefined) throw errors.failed('sandbox.create', String(failure))
  return [event]
}
