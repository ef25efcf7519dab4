import { createHash } from 'node:crypto'
import { abortable, type BlobInfo, throwIfAborted } from '@ringfence/core'
import type { NewFile } from './file-system.ts'
import type { Place } from './place.ts'
import { corrupt, failed, invalid, notFound, onDisk, systemCode } from './store-errors.ts'

/** Bytes of one read, and of small pieces that are written together. */
const PIECE_BYTES = 256 * 1024

const DIGEST = /^[0-9a-f]{64}$/
const SHARD = /^[0-9a-f]{2}$/

type Cancellable = { readonly signal?: AbortSignal | undefined }

/** The two directory levels of a blob: a directory never holds more than a 256th of all. */
function locate(place: Place, digest: string, operation: string): { shard: string; path: string } {
  if (!DIGEST.test(digest))
    throw invalid(operation, `${JSON.stringify(digest)} is no digest of a blob`, 'A digest is a SHA-256 in 64 lower-case hex digits.')
  const shard = `${place.blobs}/${digest.slice(0, 2)}`
  return { shard, path: `${shard}/${digest.slice(2)}` }
}

/** Pulls a source until its end or the abort. A source that is stuck is left behind, not waited for. */
async function* pull(source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  let state: 'pulling' | 'given' | 'ended' = 'given'
  try {
    for (;;) {
      throwIfAborted(signal)
      state = 'pulling'
      const next = await abortable(iterator.next(), signal)
      if (next.done) {
        state = 'ended'
        return
      }
      state = 'given'
      yield next.value
    }
  } finally {
    if (state === 'given') await iterator.return?.()
    // In the middle of a `next` that does not come, `return` would wait behind it; its late error concerns nobody.
    else if (state === 'pulling') void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

/** Writes a stream into a file and gives its digest. Small pieces are gathered: one write each would cost more than they do. */
async function pour(place: Place, source: AsyncIterable<Uint8Array>, file: NewFile, signal: AbortSignal | undefined): Promise<BlobInfo> {
  const hash = createHash('sha256')
  const gathered = Buffer.allocUnsafe(PIECE_BYTES)
  let held = 0
  let size = 0
  const write = (bytes: Uint8Array): Promise<void> => onDisk('put', place.directory, 'none', () => file.write(bytes))
  const writeHeld = async (): Promise<void> => {
    if (held > 0) await write(gathered.subarray(0, held))
    held = 0
  }
  for await (const bytes of pull(source, signal)) {
    size += bytes.length
    if (held + bytes.length > PIECE_BYTES) await writeHeld()
    if (bytes.length >= PIECE_BYTES) {
      // The digest is reckoned while the disk works. Both are done before the source may use its buffer again.
      const writing = write(bytes)
      hash.update(bytes)
      await writing
    } else {
      hash.update(bytes)
      gathered.set(bytes, held)
      held += bytes.length
    }
  }
  await writeHeld()
  return { digest: hash.digest('hex'), size }
}

/** Stores a stream: written aside, synced, then renamed to its digest. Whatever goes wrong, nothing is left aside. */
export async function putBlob(place: Place, source: AsyncIterable<Uint8Array>, { signal }: Cancellable = {}): Promise<BlobInfo> {
  throwIfAborted(signal)
  await place.prepare('put')
  const { files, directory } = place
  const aside = `${place.aside}/${await place.leftovers.unique()}`
  const file = await onDisk('put', directory, 'none', () => files.create(aside))
  let moved = false
  try {
    let info: BlobInfo
    try {
      info = await pour(place, source, file, signal)
      throwIfAborted(signal)
      await onDisk('put', directory, 'none', () => file.sync())
    } finally {
      await onDisk('put', directory, 'none', () => file.close())
    }
    throwIfAborted(signal)
    const { shard, path } = locate(place, info.digest, 'put')
    await onDisk('put', directory, 'none', async () => {
      await place.shard(shard)
      // It replaces what is there already: the same content, or a damaged copy that is mended by it.
      await files.rename(aside, path)
    })
    moved = true
    await onDisk('put', directory, 'unknown', () => files.syncDirectory(shard))
    return info
  } finally {
    if (!moved) await removeAside(place, aside)
  }
}

async function removeAside(place: Place, aside: string): Promise<void> {
  try {
    await place.files.remove(aside)
  } catch {
    // The first error is the one to tell; the file is taken for a leftover once this process has ended.
  }
}

/** The bytes of a blob. The last piece is given only when the digest of all is right. */
export async function* getBlob(place: Place, digest: string, { signal }: Cancellable = {}): AsyncGenerator<Uint8Array> {
  const { path } = locate(place, digest, 'get')
  throwIfAborted(signal)
  const file = await place.files.open(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') throw notFound('get', digest, place.directory)
    throw failed('get', place.directory, error, 'none')
  })
  try {
    const hash = createHash('sha256')
    let held: Uint8Array | undefined
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
      const reading = onDisk('get', place.directory, 'none', () => file.read(buffer))
      if (held) hash.update(held)
      const length = await reading
      throwIfAborted(signal)
      if (length === 0) break
      if (held) yield held
      held = buffer.subarray(0, length)
    }
    const found = hash.digest('hex')
    if (found !== digest) throw corrupt('get', `The blob "${digest}" is damaged: its bytes have the digest "${found}"`, { digest, found })
    if (held) yield held
  } finally {
    await file.close()
  }
}

export async function hasBlob(place: Place, digest: string): Promise<boolean> {
  const { path } = locate(place, digest, 'has')
  try {
    return (await place.files.stat(path)).isFile
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw failed('has', place.directory, error, 'none')
  }
}

export async function deleteBlob(place: Place, digest: string): Promise<void> {
  const { shard, path } = locate(place, digest, 'delete')
  try {
    await place.files.unlink(path)
    await place.files.syncDirectory(shard)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw failed('delete', place.directory, error, 'unknown')
  }
}

/** The names of a directory; none when it is not there. */
async function* namesOf(place: Place, path: string): AsyncGenerator<string> {
  try {
    yield* place.files.eachName(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw failed('list', place.directory, error, 'none')
  }
}

async function infoOf(place: Place, digest: string): Promise<BlobInfo | undefined> {
  try {
    const { isFile, size } = await place.files.stat(locate(place, digest, 'list').path)
    return isFile ? { digest, size } : undefined
  } catch (error) {
    // Removed since its name was read.
    if (systemCode(error) === 'ENOENT') return undefined
    throw failed('list', place.directory, error, 'none')
  }
}

/** Every blob, a shard at a time. */
export async function* listBlobs(place: Place): AsyncGenerator<BlobInfo> {
  for await (const shard of namesOf(place, place.blobs)) {
    if (!SHARD.test(shard)) continue
    const digests: string[] = []
    for await (const rest of namesOf(place, `${place.blobs}/${shard}`)) {
      if (DIGEST.test(`${shard}${rest}`)) digests.push(`${shard}${rest}`)
    }
    for (const info of await Promise.all(digests.map((digest) => infoOf(place, digest)))) if (info) yield info
  }
}
