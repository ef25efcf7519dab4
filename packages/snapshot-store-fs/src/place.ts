import type { RuntimeContext } from '@ringfence/core'
import type { FileSystem } from './file-system.ts'
import { type Leftovers, makeLeftovers } from './leftovers.ts'
import { onDisk } from './store-errors.ts'

/** The folders of a store, all on one disk so that a rename within is atomic. */
export interface Place {
  readonly directory: string
  /** `blobs/ab/cdef...` */
  readonly blobs: string
  /** `refs/<name>/` */
  readonly refs: string
  /** Where files are while they are written. */
  readonly aside: string
  readonly files: FileSystem
  readonly leftovers: Leftovers
  /** Makes the folders and removes what dead processes have left aside; once, before the first write. */
  prepare(operation: string): Promise<void>
  /** Makes one directory of blobs, durably; each once. What the disk throws is not wrapped. */
  shard(path: string): Promise<void>
}

export function makePlace(directory: string, files: FileSystem, runtime: RuntimeContext): Place {
  const aside = `${directory}/tmp`
  const blobs = `${directory}/blobs`
  const refs = `${directory}/refs`
  const leftovers = makeLeftovers(files, runtime)
  let prepared: Promise<void> | undefined
  const prepare = async (): Promise<void> => {
    for (const path of [directory, blobs, refs, aside]) await files.makeDirectory(path)
    await files.syncDirectory(directory)
    await leftovers.sweep(aside)
  }
  const shards = new Map<string, Promise<void>>()
  const makeShard = async (path: string): Promise<void> => {
    await files.makeDirectory(path)
    // Another process may have made it just now, and not synced it yet.
    await files.syncDirectory(blobs)
  }
  return {
    directory,
    blobs,
    refs,
    aside,
    files,
    leftovers,
    async prepare(operation) {
      prepared ??= prepare()
      try {
        await onDisk(operation, directory, 'none', () => prepared ?? Promise.resolve())
      } catch (error) {
        // The next write tries again.
        prepared = undefined
        throw error
      }
    },
    async shard(path) {
      const made = shards.get(path) ?? makeShard(path)
      shards.set(path, made)
      try {
        await made
      } catch (error) {
        shards.delete(path)
        throw error
      }
    },
  }
}
