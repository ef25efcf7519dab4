import type { FileHandle } from 'node:fs/promises'
import { FIRST_HASH, type JournalRecord } from '@ringfence/core'
import { corrupt, type RecordChain, recordChain } from '../check-record.ts'

/** A line holds one record, or several that were appended as one, as an array: a cut line takes all of them away. */
export function lineOf(records: readonly JournalRecord[]): string {
  return `${JSON.stringify(records.length === 1 ? records[0] : records)}\n`
}

/** A line that was written to its end, and where the next one begins. */
interface Line {
  readonly text: string
  readonly end: number
}

/** The lines of a file up to the last newline: what a crash cut is not there. */
async function* completeLines(file: FileHandle): AsyncIterable<Line> {
  const chunk = Buffer.alloc(256 * 1024)
  let held: Buffer[] = []
  let position = 0
  let end = 0
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
    if (bytesRead === 0) return
    position += bytesRead
    let begin = 0
    for (let newline = chunk.indexOf(10); newline >= 0 && newline < bytesRead; newline = chunk.indexOf(10, begin)) {
      const line = Buffer.concat([...held, chunk.subarray(begin, newline)])
      end += line.length + 1
      held = []
      begin = newline + 1
      yield { text: line.toString('utf8'), end }
    }
    if (begin < bytesRead) held.push(Buffer.from(chunk.subarray(begin, bytesRead)))
  }
}

export interface ReadRecord {
  readonly record: JournalRecord
  /** Where the line of the record ends, in bytes. */
  readonly end: number
}

function parseLine(runId: string, text: string, chain: RecordChain): readonly JournalRecord[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The line has its end, so that it was not cut by a crash: it was damaged.
    return corrupt(runId, `record ${chain.length} does not parse`)
  }
  return (Array.isArray(value) ? value : [value]).map((one) => chain.next(one))
}

/** The records of a journal file, with the chain checked. Throws `journal.corrupt`, `journal.unsupported`. */
export async function* readRecords(file: FileHandle, runId: string): AsyncIterable<ReadRecord> {
  const chain = recordChain(runId, 0, FIRST_HASH)
  for await (const { text, end } of completeLines(file)) {
    for (const record of parseLine(runId, text, chain)) yield { record, end }
  }
}

/** The number of records, from the last whole line of a file alone. */
export async function countRecords(file: FileHandle, size: number): Promise<number> {
  for (let span = 64 * 1024; ; span *= 4) {
    const begin = Math.max(0, size - span)
    const bytes = Buffer.alloc(size - begin)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, begin)
    const newline = bytes.lastIndexOf(10, bytesRead - 1)
    const before = newline < 1 ? -1 : bytes.lastIndexOf(10, newline - 1)
    if (newline >= 0 && (before >= 0 || begin === 0)) return lastSeq(bytes.toString('utf8', before + 1, newline)) + 1
    if (begin === 0) return 0
  }
}

function lastSeq(text: string): number {
  try {
    const value: unknown = JSON.parse(text)
    const last: unknown = Array.isArray(value) ? value.at(-1) : value
    return typeof last === 'object' && last !== null && 'seq' in last && typeof last.seq === 'number' ? last.seq : -1
  } catch {
    // A list of runs is not where damage is reported: reading the run is.
    return -1
  }
}
