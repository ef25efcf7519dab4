import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RequirementContext, TracerPlace, WrittenSpan } from '@ringfence/testkit'
import { jsonlTracer } from '@ringfence/tracer-jsonl'
import type { SpanLine } from '../src/span-line.ts'

/** Nanoseconds as text, in milliseconds. */
const toMs = (nano: string): number => Number(BigInt(nano) / 1_000n) / 1_000

function toSpan(line: SpanLine): WrittenSpan {
  const { traceId, spanId, parentSpanId, name, attributes, status } = line
  const events = line.events.map((event) => ({ name: event.name, time: toMs(event.timeUnixNano), attributes: event.attributes }))
  const times = { startTime: toMs(line.startTimeUnixNano), endTime: toMs(line.endTimeUnixNano) }
  return { traceId, spanId, parentSpanId, name, ...times, attributes, events, status }
}

/** The lines of a file, parsed. */
export async function readLines(path: string): Promise<SpanLine[]> {
  return (await readFile(path, 'utf8')).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
}

/** A place on the disk: one file, or a folder with a file for each trace. */
export async function tracerPlace(context: RequirementContext, kind: 'file' | 'directory'): Promise<TracerPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'ringfence-traces-'))
  context.defer(() => rm(folder, { recursive: true, force: true }))
  const where = join(folder, 'traces')
  const file = join(where, 'spans.jsonl')
  return {
    open: () => (kind === 'file' ? jsonlTracer({ file }) : jsonlTracer({ directory: where })),
    async spans() {
      const names = await readdir(where)
      return (await Promise.all(names.map((name) => readLines(join(where, name))))).flat().map(toSpan)
    },
    fail: () => writeFile(where, 'in the way'),
  }
}
