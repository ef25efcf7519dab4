import { type BlobInfo, RingfenceError, type SnapshotStore, sha256, throwIfAborted } from '@ringfence/core'

const REF_NAME = /^[a-zA-Z0-9._-]{1,128}$/

function checkName(name: string): void {
  if (!REF_NAME.test(name))
    throw new RingfenceError('config.invalid', `"${name}" is no name of a reference`, {
      hint: 'Use at most 128 letters, digits, ".", "_" and "-".',
      effect: 'none',
    })
}

/** A store in the memory of this process, for tests and small workspaces. What it holds ends with the process. */
export function memorySnapshots(): SnapshotStore {
  const blobs = new Map<string, Buffer>()
  const refs = new Map<string, { value: string; version: string }>()
  let versions = 0
  return {
    specificationVersion: 'snapshot-store-v1',
    name: 'memory',
    async has(digest) {
      return blobs.has(digest)
    },
    async put(bytes, { signal } = {}): Promise<BlobInfo> {
      const chunks: Uint8Array[] = []
      for await (const chunk of bytes) {
        throwIfAborted(signal)
        chunks.push(chunk)
      }
      const blob = Buffer.concat(chunks)
      const digest = sha256(blob)
      blobs.set(digest, blob)
      return { digest, size: blob.length }
    },
    async *get(digest, { signal } = {}) {
      throwIfAborted(signal)
      const blob = blobs.get(digest)
      if (!blob)
        throw new RingfenceError('snapshot.not-found', `The store holds no blob "${digest}"`, { hint: 'Check the id.', effect: 'none' })
      yield blob
    },
    async delete(digest) {
      blobs.delete(digest)
    },
    async *list() {
      for (const [digest, { length }] of blobs) yield { digest, size: length }
    },
    async getRef(name) {
      checkName(name)
      return refs.get(name)
    },
    async setRef(name, value, expected) {
      checkName(name)
      if ((refs.get(name)?.version ?? null) !== expected) return undefined
      const version = String(++versions)
      refs.set(name, { value, version })
      return version
    },
  }
}
