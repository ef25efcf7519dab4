import { open, rename } from 'node:fs/promises'
import { type Random, randomId } from '@ringfence/core'

/** Only the user of the harness reads what a run said and did. */
export const FILE_MODE = 0o600
export const DIRECTORY_MODE = 0o700

/** The code of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a new file beside a path, durably, and returns its path. */
export async function writeBeside(path: string, data: string | Uint8Array, random: Random): Promise<string> {
  const beside = `${path}.${randomId(random, 'tmp', 12)}`
  const handle = await open(beside, 'wx', FILE_MODE)
  try {
    await handle.writeFile(data)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return beside
}

/** Replaces a file as a whole: a reader sees the old or the new content, also after a crash. */
export async function replaceFile(path: string, data: string | Uint8Array, random: Random): Promise<void> {
  await rename(await writeBeside(path, data, random), path)
}
