import { access, link, readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '@ringfence/core'
import { z } from 'zod'
import { corrupt } from '../check-record.ts'
import { codeOf, replaceFile, writeBeside } from './durable-files.ts'

const leaseSchema = z.object({
  epoch: z.int().positive(),
  holder: z.string(),
  expiresAt: z.number(),
  released: z.boolean(),
  /** Released with all that was appended written. */
  isClean: z.boolean(),
})

export type LeaseFile = z.output<typeof leaseSchema>

const NAME = /^lease\.(\d+)\.json$/

/**
 * The leases of one run: a file for each epoch, which only its opener writes to. They are never removed, so that
 * making the next one is a compare-and-swap and an epoch is never given twice.
 */
export interface LeaseFiles {
  /** The newest lease. */
  newest(): Promise<LeaseFile | undefined>
  /** Makes the lease of a new epoch. False when another process made it first. */
  claim(lease: LeaseFile): Promise<boolean>
  /** Rewrites the lease of one's own epoch. */
  rewrite(lease: LeaseFile): Promise<void>
  /** Whether a newer epoch was opened. One system call. */
  isSuperseded(epoch: number): Promise<boolean>
}

/** @param directory that of the run. */
export function leaseFiles(directory: string, runId: string, random: Random): LeaseFiles {
  const pathOf = (epoch: number): string => join(directory, `lease.${epoch}.json`)
  return {
    async newest() {
      const epochs = (await readdir(directory)).flatMap((name) => NAME.exec(name)?.[1] ?? [])
      if (epochs.length === 0) return undefined
      const text = await readFile(pathOf(Math.max(...epochs.map(Number))), 'utf8')
      try {
        return leaseSchema.parse(JSON.parse(text))
      } catch {
        // Leases are written as a whole, so that this one was damaged by others.
        return corrupt(runId, 'its newest lease cannot be read')
      }
    },
    async claim(lease) {
      const path = pathOf(lease.epoch)
      const beside = await writeBeside(path, JSON.stringify(lease), random)
      try {
        await link(beside, path)
        return true
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false
        throw error
      } finally {
        await unlink(beside)
      }
    },
    rewrite: (lease) => replaceFile(pathOf(lease.epoch), JSON.stringify(lease), random),
    async isSuperseded(epoch) {
      try {
        await access(pathOf(epoch + 1))
        return true
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false
        throw error
      }
    },
  }
}
