import { mkdir, open, opendir, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises'

/** A new file while it is written. */
export interface NewFile {
  /** Writes all of the bytes at the end. */
  write(bytes: Uint8Array): Promise<void>
  /** Brings what was written to the disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** A file while it is read. */
export interface OpenFile {
  /** The next bytes, at most as many as the buffer has; 0 at the end. */
  read(buffer: Uint8Array): Promise<number>
  close(): Promise<void>
}

/** What the store does with the disk. One seam, so that a test can stop at each step and take unsynced bytes away. */
export interface FileSystem {
  /** Makes a directory (0700) and those above it. One that is there is no error. Syncs what it made. */
  makeDirectory(path: string): Promise<void>
  /** Makes a file (0600) that must not be there. */
  create(path: string): Promise<NewFile>
  open(path: string): Promise<OpenFile>
  readText(path: string): Promise<string>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Removes a file or a tree; one that is not there is no error. */
  remove(path: string): Promise<void>
  names(path: string): Promise<readonly string[]>
  /** The names of a directory, streamed. */
  eachName(path: string): AsyncIterable<string>
  /** Of what a path leads to; the time of its last change in milliseconds since 1970. */
  stat(path: string): Promise<{ readonly isFile: boolean; readonly size: number; readonly modifiedAt: number }>
  /** Brings the names within a directory to the disk. */
  syncDirectory(path: string): Promise<void>
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The disk of this machine. */
export const systemFiles: FileSystem = {
  async makeDirectory(path) {
    const first = await mkdir(path, { recursive: true, mode: 0o700 })
    if (first === undefined) return
    for (let made = path; made.length >= first.length; made = parentOf(made)) await syncDirectory(parentOf(made))
  },
  async create(path) {
    const handle = await open(path, 'wx', 0o600)
    return {
      async write(bytes) {
        for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten
      },
      sync: () => handle.sync(),
      close: () => handle.close(),
    }
  },
  async open(path) {
    const handle = await open(path, 'r')
    return { read: async (buffer) => (await handle.read(buffer)).bytesRead, close: () => handle.close() }
  },
  readText: (path) => readFile(path, 'utf8'),
  rename,
  unlink,
  remove: (path) => rm(path, { recursive: true, force: true }),
  names: (path) => readdir(path),
  async *eachName(path) {
    for await (const entry of await opendir(path)) yield entry.name
  },
  async stat(path) {
    const found = await stat(path)
    return { isFile: found.isFile(), size: found.size, modifiedAt: found.mtimeMs }
  },
  syncDirectory,
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 1))
}
