import type { Socket } from 'node:net'
import type { ExitStatus, OutputChunk, Process, ProcessInput } from '@ringfence/core'
import type { Connections } from './connections.ts'
import { cutReason } from './container.ts'
import type { Engine } from './engine.ts'
import { errors } from './errors.ts'
import { type Exec, exitOf, neverStarted } from './exec.ts'
import { frames } from './frames.ts'

export interface ProcessOptions {
  readonly stdin: boolean
  readonly tty: boolean
  readonly signal?: AbortSignal | undefined
  readonly connected: Connections
}

/** Bytes of a connection, taken only when asked for. Leaving the loop does not end the connection. */
export const bytesOf = (socket: Socket): AsyncIterable<Buffer> => socket.iterator({ destroyOnReturn: false })

async function* merged(source: AsyncIterable<Buffer>): AsyncGenerator<OutputChunk> {
  for await (const bytes of source) yield { fd: 1, bytes }
}

/** A process over the connection that its start became. */
export function processOf(engine: Engine, exec: Exec, { stdin, tty, signal, connected }: ProcessOptions): Process {
  const { socket, container } = exec
  const state: { ended?: { readonly error: unknown; readonly quiet: boolean } } = {}
  const exit = settleable<ExitStatus>()
  const end = (error: unknown, quiet: boolean): void => {
    if (state.ended) return
    state.ended = { error, quiet }
    exit.reject(error)
    close()
  }
  const onAbort = (): void => end(signal?.reason, false)
  const self = { cut: (error: unknown): void => end(error, false) }
  const close = (): void => {
    connected.delete(self)
    signal?.removeEventListener('abort', onAbort)
    socket.destroy()
  }
  connected.add(self)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()

  async function* read(): AsyncGenerator<OutputChunk> {
    let first = true
    try {
      const source = state.ended ? [] : tty ? merged(bytesOf(socket)) : frames(bytesOf(socket))
      for await (const chunk of source) {
        if (state.ended) break
        // What the engine says of a start that failed is no output of the process.
        const failed = first && !tty && (await neverStarted(engine, exec, chunk.bytes))
        first = false
        yield failed ? { fd: 2, bytes: chunk.bytes } : chunk
      }
      if (!state.ended) exit.resolve(await exitOf(engine, exec))
    } catch (error) {
      if (!state.ended) end(await cutReason(engine, container, 'process.output', error), false)
    } finally {
      end(detached(), true)
    }
    if (!state.ended?.quiet) throw state.ended?.error
  }

  return {
    output: read(),
    exit: exit.promise,
    async detach() {
      end(detached(), true)
    },
    stdin: stdin ? inputOf(socket) : undefined,
  }
}

const detached = (): Error => errors.failed('process.exit', 'The process was detached: its end is not known here')

function inputOf(socket: Socket): ProcessInput {
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (socket.destroyed || socket.writableEnded) reject(errors.stdinLost())
        else socket.write(bytes, (error) => (error ? reject(errors.stdinLost(error)) : resolve()))
      }),
    end: () =>
      new Promise((resolve) => {
        if (socket.destroyed || socket.writableEnded) resolve()
        // A connection that breaks meanwhile has ended too; the output tells of it.
        else socket.end(() => resolve())
      }),
  }
}

interface Settleable<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

function settleable<T>(): Settleable<T> {
  const settle: Pick<Settleable<T>, 'resolve' | 'reject'> = { resolve: () => undefined, reject: () => undefined }
  const promise = new Promise<T>((resolve, reject) => {
    settle.resolve = resolve
    settle.reject = reject
  })
  // Nobody has to wait for it: a rejection that is not looked at must not end the harness.
  promise.catch(() => undefined)
  return { promise, resolve: settle.resolve, reject: settle.reject }
}
