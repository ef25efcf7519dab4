import { type FileHandle, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { FIRST_HASH, type JournalRecord, type Random, randomId, recordHash } from '@ringfence/core'
import { fenced, journalFailed } from '../journal-errors.ts'
import { planAppend, type Tail, takenBy } from '../plan-append.ts'
import { codeOf, FILE_MODE, syncDirectory } from './durable-files.ts'
import { lineOf, readRecords } from './journal-lines.ts'
import type { LeaseFiles } from './lease-files.ts'

export const JOURNAL_NAME = 'journal.jsonl'

interface Waiting {
  readonly records: readonly JournalRecord[]
  resolve(): void
  reject(error: unknown): void
}

/** A run that is open for writing. */
export interface OpenRun {
  readonly epoch: number
  readonly length: number
  append(records: readonly JournalRecord[]): Promise<void>
  /** Waits for what is being written, and closes the file. Returns whether all of it was written. */
  close(): Promise<boolean>
}

interface Scan {
  readonly tail: Tail
  /** Bytes up to the end of the last whole line. */
  readonly size: number
  readonly lastEpoch: number
}

/** Reads a journal from its beginning, checked. A file that is not there is an empty journal. */
export async function scanJournal(directory: string, runId: string): Promise<Scan> {
  const tail: Tail = { ids: [], lastHash: FIRST_HASH }
  let size = 0
  let last: JournalRecord | undefined
  let file: FileHandle
  try {
    file = await open(join(directory, JOURNAL_NAME), 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { tail, size, lastEpoch: 0 }
    throw error
  }
  try {
    for await (const { record, end } of readRecords(file, runId)) {
      tail.ids.push(record.recordId)
      last = record
      size = end
    }
  } finally {
    await file.close()
  }
  if (last) tail.lastHash = recordHash(last)
  return { tail, size, lastEpoch: last?.epoch ?? 0 }
}

/**
 * Puts a copy of the whole records in the place of a journal. A driver that was taken over goes on writing to the
 * file that is not there any more, and what a crash cut is gone.
 */
async function replaceJournal(directory: string, size: number, random: Random): Promise<void> {
  const path = join(directory, JOURNAL_NAME)
  const beside = `${path}.${randomId(random, 'tmp', 12)}`
  const to = await open(beside, 'wx', FILE_MODE)
  try {
    if (size > 0) {
      const from = await open(path, 'r')
      try {
        const chunk = Buffer.alloc(1024 * 1024)
        for (let position = 0; position < size; ) {
          const { bytesRead } = await from.read(chunk, 0, Math.min(chunk.length, size - position), position)
          if (bytesRead === 0) break
          await to.appendFile(chunk.subarray(0, bytesRead))
          position += bytesRead
        }
      } finally {
        await from.close()
      }
    }
    await to.sync()
  } finally {
    await to.close()
  }
  await rename(beside, path)
}

export interface OpenRunOptions {
  readonly directory: string
  readonly runId: string
  readonly epoch: number
  readonly leases: LeaseFiles
  readonly random: Random
  /** The driver before gave the run back, with all of it written: nobody else holds the file. */
  readonly isClean: boolean
}

/** Opens the journal of an epoch that was claimed. Appends that come while one is written go out together. */
export async function openRun({ directory, runId, epoch, leases, random, isClean }: OpenRunOptions): Promise<OpenRun> {
  const { tail, size } = await scanJournal(directory, runId)
  if (!isClean) await replaceJournal(directory, size, random)
  const file = await open(join(directory, JOURNAL_NAME), 'a', FILE_MODE)
  await syncDirectory(directory)
  return { epoch, length: tail.ids.length, ...appender(runId, epoch, file, tail, leases) }
}

function appender(runId: string, epoch: number, file: FileHandle, tail: Tail, leases: LeaseFiles): Pick<OpenRun, 'append' | 'close'> {
  let waiting: Waiting[] = []
  let writing = Promise.resolve()
  let isWriting = false
  let broken: unknown

  const writeAll = async (): Promise<void> => {
    isWriting = true
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const accepted: Waiting[] = []
      let text = ''
      for (const one of batch) {
        try {
          if (broken !== undefined) throw broken
          if (takenBy(one.records, epoch)) fenced(runId, epoch)
          const plan = planAppend(runId, tail, one.records)
          if (plan.fresh.length > 0) text += lineOf(plan.fresh)
          plan.commit()
          accepted.push(one)
        } catch (error) {
          one.reject(error)
        }
      }
      try {
        if (text !== '') {
          await file.appendFile(text)
          await file.datasync()
        }
        // After the write: a driver that opened in between either copied it or is seen here.
        if (await leases.isSuperseded(epoch)) fenced(runId, epoch + 1)
        for (const one of accepted) one.resolve()
      } catch (error) {
        // How much of it stands in the file is not known, so that nothing may follow it.
        broken = journalFailed('journal.append', runId, error)
        for (const one of accepted) one.reject(broken)
      }
    }
    isWriting = false
  }
  return {
    append: (records) =>
      new Promise((resolve, reject) => {
        waiting.push({ records, resolve, reject })
        if (!isWriting) writing = writeAll()
      }),
    async close() {
      await writing
      await file.close()
      return broken === undefined
    },
  }
}
