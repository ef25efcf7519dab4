import { resolve } from 'node:path'
import { type RuntimeContext, type SnapshotStore, systemRuntime } from '@ringfence/core'
import { deleteBlob, getBlob, hasBlob, listBlobs, putBlob } from './blobs.ts'
import { type FileSystem, systemFiles } from './file-system.ts'
import { makePlace } from './place.ts'
import { getRef, setRef } from './refs.ts'
import { invalid } from './store-errors.ts'

export interface FsSnapshotsOptions {
  /**
   * The folder of the store, from the working directory where it is relative. It is made (0700) at the first write, with
   * the folders above. Several processes may use it at once.
   */
  readonly directory: string
}

/**
 * Snapshots in a folder of this machine. Making the store does no I/O and starts nothing; there is nothing to close.
 *
 * @throws `config.invalid` for a directory that is empty or holds a NUL.
 */
export function fsSnapshots({ directory }: FsSnapshotsOptions): SnapshotStore {
  return storeOver(directory, systemFiles, systemRuntime)
}

/** The store over any file system. */
export function storeOver(directory: string, files: FileSystem, runtime: RuntimeContext): SnapshotStore {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0'))
    throw invalid('fsSnapshots', `The directory ${JSON.stringify(directory)} is no path`, 'Give the path of a folder.')
  const place = makePlace(resolve(directory), files, runtime)
  return {
    specificationVersion: 'snapshot-store-v1',
    name: 'fs',
    has: (digest) => hasBlob(place, digest),
    put: (bytes, options) => putBlob(place, bytes, options),
    get: (digest, options) => getBlob(place, digest, options),
    delete: (digest) => deleteBlob(place, digest),
    list: () => listBlobs(place),
    getRef: (name) => getRef(place, name),
    setRef: (name, value, expected) => setRef(place, name, value, expected),
  }
}
