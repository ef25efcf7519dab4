export interface BlobInfo {
  /** The SHA-256 of the bytes, lower-case hex: the name of a blob is its content. */
  readonly digest: string
  readonly size: number
}

export interface RefValue {
  readonly value: string
  /** Changes with each write; opaque. */
  readonly version: string
}

/**
 * Where snapshots live: content-addressed blobs, and small named references to them. All of it streams; nothing is
 * held in memory as a whole. What is no digest and no name of a reference is `config.invalid`; what the storage cannot
 * do is `snapshot.failed`.
 */
export interface SnapshotStore {
  readonly specificationVersion: 'snapshot-store-v1'
  /** The id of the kind of store, as in `@ringfence/snapshot-store-<name>`. */
  readonly name: string
  has(digest: string): Promise<boolean>
  /**
   * Stores bytes under their digest. Atomic: a reader sees all of it or nothing, also after a crash. The same content
   * again is no error.
   *
   * @throws `snapshot.failed`; what the source throws; the reason of the signal.
   */
  put(bytes: AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal | undefined }): Promise<BlobInfo>
  /**
   * The bytes of a digest, checked while they stream: damaged ones throw `snapshot.corrupt` at the latest at the end.
   *
   * @throws `snapshot.not-found`.
   */
  get(digest: string, options?: { signal?: AbortSignal | undefined }): AsyncIterable<Uint8Array>
  /** Removes a blob. One that is not there is no error. */
  delete(digest: string): Promise<void>
  /** Every blob, in no order. */
  list(): AsyncIterable<BlobInfo>
  /** A reference by name (`[a-zA-Z0-9._-]`, at most 128 characters), or `undefined`. */
  getRef(name: string): Promise<RefValue | undefined>
  /**
   * Writes a reference, when it is still as expected.
   *
   * @param expected the version to replace; `null` to create.
   * @returns the new version, or `undefined` when another was there: nothing was written then.
   */
  setRef(name: string, value: string, expected: string | null): Promise<string | undefined>
}
