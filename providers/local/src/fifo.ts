import { closeSync, constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { errnoOf } from './errors.ts'
import { runProgram } from './programs.ts'

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants

/** Opens the reading end of a FIFO, which needs no writer yet. */
export function openReader(path: string): Socket {
  return new Socket({ fd: openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW), readable: true, writable: false })
}

/** Opens the writing end of a FIFO that somebody reads. */
export function openWriter(path: string): Socket {
  return new Socket({ fd: openSync(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW), readable: false, writable: true })
}

/** Opens both ends, so that neither side waits for the other; the descriptor is closed when the other side has opened its own. */
export function holdOpen(path: string): () => void {
  const fd = openSync(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW)
  let open = true
  return () => {
    if (open) closeSync(fd)
    open = false
  }
}

/** Whether anybody reads a FIFO. The kernel knows: no process id is compared. */
export function hasReader(path: string): boolean {
  try {
    closeSync(openSync(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW))
    return true
  } catch (error) {
    const code = errnoOf(error)
    if (code === 'ENXIO' || code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}

/** Makes FIFOs that everybody who reaches their directory can open. */
export async function makeFifos(paths: readonly string[]): Promise<void> {
  await runProgram('sandbox.spawn', 'mkfifo', ['-m', '666', ...paths])
}
