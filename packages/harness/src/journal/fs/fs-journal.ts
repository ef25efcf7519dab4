import { access, mkdir, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type JournalStore, type RunInfo, type RuntimeContext, sha256, systemRuntime } from '@ringfence/core'
import { busy, checkRunId, fenced, journalFailed, missingBlob, runNotFound } from '../journal-errors.ts'
import { codeOf, DIRECTORY_MODE, replaceFile, syncDirectory } from './durable-files.ts'
import { countRecords, readRecords } from './journal-lines.ts'
import { type LeaseFiles, leaseFiles } from './lease-files.ts'
import { JOURNAL_NAME, type OpenRun, openRun, scanJournal } from './open-run.ts'

export interface FsJournalOptions {
  /** Holds a folder for each run. Made when it is not there. */
  readonly directory: string
  /** Clock of the leases, randomness of temporary names. Default: those of the machine. */
  readonly runtime?: RuntimeContext | undefined
}

interface Held {
  readonly run: OpenRun
  readonly leases: LeaseFiles
  readonly holder: string
}

/**
 * A journal in files: for each run a folder with one append-only file of JSON lines, its leases and its blobs, for
 * its owner alone. It serves any number of processes of one machine.
 */
export function fsJournal({ directory, runtime = systemRuntime }: FsJournalOptions): JournalStore {
  const { clock, random } = runtime
  const held = new Map<string, Held>()
  const pathOf = (runId: string): string => join(directory, runId)
  const leasesOf = (runId: string): LeaseFiles => leaseFiles(pathOf(runId), runId, random)

  /** Runs an operation, with what the file system throws as `journal.failed`. */
  const guarded = async <T>(operation: string, runId: string, action: () => Promise<T>): Promise<T> => {
    checkRunId(runId)
    try {
      return await action()
    } catch (error) {
      throw journalFailed(operation, runId, error)
    }
  }
  const drop = async (runId: string): Promise<boolean> => {
    const one = held.get(runId)
    held.delete(runId)
    return (await one?.run.close()) ?? true
  }
  const found = async (runId: string): Promise<boolean> => {
    try {
      await access(pathOf(runId))
      return true
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false
      throw error
    }
  }

  return {
    specificationVersion: 'journal-store-v1',
    name: 'fs',
    isDurable: true,
    open: ({ runId, holder, leaseMs }) =>
      guarded('journal.open', runId, async () => {
        if ((await mkdir(pathOf(runId), { recursive: true, mode: DIRECTORY_MODE })) !== undefined) await syncDirectory(directory)
        const leases = leasesOf(runId)
        const before = await leases.newest()
        if (before && !before.released && before.holder !== holder && before.expiresAt > clock.now()) busy(runId, before, clock.now())
        const { lastEpoch } = before ? { lastEpoch: before.epoch } : await scanJournal(pathOf(runId), runId)
        const lease = { epoch: lastEpoch + 1, holder, expiresAt: clock.now() + leaseMs, released: false, isClean: false }
        if (!(await leases.claim(lease))) busy(runId, (await leases.newest()) ?? lease, clock.now())
        await drop(runId)
        const run = await openRun({
          directory: pathOf(runId),
          runId,
          epoch: lease.epoch,
          leases,
          random,
          isClean: before?.isClean ?? lastEpoch === 0,
        })
        held.set(runId, { run, leases, holder })
        return { epoch: lease.epoch, length: run.length }
      }),
    append: (runId, records) =>
      guarded('journal.append', runId, async () => {
        const one = held.get(runId)
        if (one) return one.run.append(records)
        const lease = (await found(runId)) ? await leasesOf(runId).newest() : runNotFound(runId)
        return fenced(runId, lease?.epoch ?? 0)
      }),
    async *read(runId, from = 0) {
      checkRunId(runId)
      let file: Awaited<ReturnType<typeof open>>
      try {
        file = await open(join(pathOf(runId), JOURNAL_NAME), 'r')
      } catch (error) {
        if (codeOf(error) === 'ENOENT') runNotFound(runId)
        throw journalFailed('journal.read', runId, error)
      }
      try {
        for await (const { record } of readRecords(file, runId)) if (record.seq >= from) yield record
      } catch (error) {
        throw journalFailed('journal.read', runId, error)
      } finally {
        await file.close()
      }
    },
    putBlob: (runId, bytes) =>
      guarded('journal.putBlob', runId, async () => {
        const digest = sha256(bytes)
        const blobs = join(pathOf(runId), 'blobs')
        if ((await mkdir(blobs, { recursive: true, mode: DIRECTORY_MODE })) !== undefined) await syncDirectory(pathOf(runId))
        await replaceFile(join(blobs, digest), bytes, random)
        await syncDirectory(blobs)
        return digest
      }),
    getBlob: (runId, digest) =>
      guarded('journal.getBlob', runId, async () => {
        if (!/^[0-9a-f]{64}$/.test(digest)) missingBlob(runId, digest)
        try {
          const bytes = await readFile(join(pathOf(runId), 'blobs', digest))
          return sha256(bytes) === digest ? bytes : missingBlob(runId, digest)
        } catch (error) {
          if (codeOf(error) === 'ENOENT') missingBlob(runId, digest)
          throw error
        }
      }),
    renew: (runId, { epoch, leaseMs }) =>
      guarded('journal.renew', runId, async () => {
        const one = held.get(runId)
        if (one?.run.epoch !== epoch) return fenced(runId, one?.run.epoch ?? 0)
        if (await one.leases.isSuperseded(epoch)) fenced(runId, epoch + 1)
        await one.leases.rewrite({ epoch, holder: one.holder, expiresAt: clock.now() + leaseMs, released: false, isClean: false })
        // One that was opened meanwhile has the higher number, so that it counts.
        if (await one.leases.isSuperseded(epoch)) fenced(runId, epoch + 1)
      }),
    release: (runId, epoch) =>
      guarded('journal.release', runId, async () => {
        const one = held.get(runId)
        if (one?.run.epoch !== epoch) return
        const isClean = await drop(runId)
        await one.leases.rewrite({ epoch, holder: one.holder, expiresAt: 0, released: true, isClean })
      }),
    lease: (runId) =>
      guarded('journal.lease', runId, async () => {
        const lease = (await found(runId)) ? await leasesOf(runId).newest() : runNotFound(runId)
        if (!lease || lease.released || lease.expiresAt <= clock.now()) return undefined
        return { epoch: lease.epoch, holder: lease.holder, expiresAt: lease.expiresAt }
      }),
    list: () => listRuns(directory),
  }
}

async function* listRuns(directory: string): AsyncIterable<RunInfo> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw journalFailed('journal.list', '*', error)
  }
  for (const runId of names) {
    const path = join(directory, runId, JOURNAL_NAME)
    try {
      const { size, mtimeMs } = await stat(path)
      const file = await open(path, 'r')
      try {
        yield { runId, length: await countRecords(file, size), updatedAt: mtimeMs }
      } finally {
        await file.close()
      }
    } catch (error) {
      // What is no run, or went away meanwhile, is not listed.
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw journalFailed('journal.list', runId, error)
    }
  }
}
