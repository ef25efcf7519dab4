import type { Socket } from 'node:net'
import type { ProcessInput } from '@ringfence/core'
import { errors } from './errors.ts'

/** The writing end of a FIFO as the standard input of a process. */
export function openInput(socket: Socket): ProcessInput {
  let failure: unknown
  let ended = false
  let pending: Promise<void> = Promise.resolve()
  socket.on('error', (cause) => {
    failure = cause
    socket.destroy()
  })
  return {
    async write(bytes) {
      if (ended || socket.destroyed) throw errors.stdinLost(failure)
      const written = new Promise<void>((resolve, reject) => {
        const onClose = (): void => reject(errors.stdinLost(failure))
        socket.once('close', onClose)
        socket.write(bytes, (cause) => {
          socket.removeListener('close', onClose)
          if (cause) reject(errors.stdinLost(cause))
          else resolve()
        })
      })
      // Whoever wrote gets the error; the queue goes on.
      pending = written.catch(() => undefined)
      await written
    },
    async end() {
      ended = true
      // Closing drops what is not written yet. A FIFO has no half close: the reader sees the end when this side is closed.
      await pending
      socket.destroy()
    },
  }
}
