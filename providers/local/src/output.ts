import type { Socket } from 'node:net'
import type { OutputChunk } from '@ringfence/core'

/** The outputs of a process as one stream, pulled. */
export interface Output {
  /** Pieces as they arrive. Ends when both streams have; a reader that waits makes the process wait. */
  chunks(): AsyncGenerator<OutputChunk, void, undefined>
  /** Ends the reading: what waits for a piece goes on at once, and gets none. */
  close(): void
}

/** Reads streams in the order in which their bytes arrive. Each holds no more than one buffer of Node. */
export function mergeOutput(streams: readonly (readonly [1 | 2, Socket])[]): Output {
  let closed = false
  let wake = (): void => undefined
  const stir = (): void => wake()
  for (const [, socket] of streams) {
    socket.on('readable', stir)
    socket.on('end', stir)
    socket.on('close', stir)
    socket.on('error', () => socket.destroy())
  }
  return {
    async *chunks() {
      while (!closed) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        let read = false
        for (const [fd, socket] of streams) {
          const bytes: Buffer | null = socket.read()
          if (!bytes) continue
          read = true
          yield { fd, bytes }
          if (closed) return
        }
        if (read) continue
        if (streams.every(([, socket]) => socket.readableEnded || socket.destroyed)) return
        await woken
      }
    },
    close() {
      closed = true
      for (const [, socket] of streams) socket.destroy()
      wake()
    },
  }
}
