import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Appends whole lines to a file (0600, its folders 0700), in one write: other processes that append do not come in
 * between. A line that a dead process left unfinished is ended first. The file is open only meanwhile, so that it can
 * be moved away, and nothing is left open.
 */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  const handle = await openToAppend(path)
  try {
    const { size } = await handle.stat()
    const last = size === 0 ? undefined : (await handle.read(new Uint8Array(1), 0, 1, size - 1)).buffer[0]
    const text = `${last === undefined || last === 0x0a ? '' : '\n'}${lines.join('\n')}\n`
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten
  } finally {
    await handle.close()
  }
}

async function openToAppend(path: string): ReturnType<typeof open> {
  try {
    return await open(path, 'a+', 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return open(path, 'a+', 0o600)
  }
}
