import type { OutputChunk, PtyProcess, TerminalSize } from '@ringfence/core'
import { checkTerminalSize } from '@ringfence/core/plugin'
import type { Connections } from './connections.ts'
import { ask, type Engine, outcome } from './engine.ts'
import { errors } from './errors.ts'
import { type Exec, startExec } from './exec.ts'
import type { Gate } from './gate.ts'
import { processOf } from './process.ts'
import { HANG_UP, TERMINAL } from './scripts.ts'

export interface TerminalRequest {
  readonly argv: readonly string[]
  readonly user: string
  readonly env: readonly string[]
  readonly size: TerminalSize
  readonly signal?: AbortSignal | undefined
  readonly connected: Connections
  readonly gate: Gate
  /** Throws when the handle was released meanwhile. */
  check(operation: string): void
}

const END_OF_INPUT = Buffer.from([4])
const LONGEST_LINE = 4096

/** Starts a process on a terminal. The terminal has its size before the process looks. */
export async function openTerminal(engine: Engine, container: string, request: TerminalRequest): Promise<PtyProcess> {
  const { argv, user, env, size, signal, connected, gate, check } = request
  const exec = await startExec(engine, container, {
    argv: ['sh', '-c', TERMINAL, 'sh', String(size.columns), String(size.rows), ...argv],
    user,
    stdin: true,
    tty: true,
    env: ['TERM=xterm-256color', ...env],
    operation: 'sandbox.pty',
    signal,
    gate,
    onPaused: () => check('sandbox.pty'),
  })
  const process = processOf(engine, exec, { stdin: true, tty: true, signal, connected })
  const { stdin } = process
  if (!stdin) throw errors.failed('sandbox.pty', 'The terminal has no input')
  const output = process.output[Symbol.asyncIterator]()
  const { line, rest } = await firstLine(output)
  const [, pid, missing] = /^ringfence (\d+) (\d+)\r?$/.exec(line) ?? []
  if (pid === undefined) {
    await process.detach()
    throw errors.spawnFailed(argv, line.trim() || 'the terminal closed at once')
  }
  if (missing !== '0') await resize(engine, exec, size)
  return {
    output: { [Symbol.asyncIterator]: () => after(rest, output) },
    exit: process.exit,
    stdin: {
      write: (bytes) => stdin.write(bytes),
      end: async () => {
        // A terminal has no half to close: its reader gets the end by the character for it.
        await stdin.write(END_OF_INPUT).catch(() => undefined)
      },
    },
    async detach() {
      await process.detach()
      await hangUp(engine, container, user, pid, gate).catch(() => {
        // The sandbox has ended, and the terminal with it; or it is paused.
      })
    },
    async resize(next) {
      check('pty.resize')
      checkTerminalSize(next, errors)
      await resize(engine, exec, next)
    },
  }
}

async function hangUp(engine: Engine, container: string, user: string, pid: string, gate: Gate): Promise<void> {
  const operation = 'pty.detach'
  const onPaused = (): void => {
    throw errors.failed(operation, 'The sandbox is paused')
  }
  const argv = ['sh', '-c', HANG_UP, 'sh', pid]
  const { socket } = await startExec(engine, container, { argv, user, stdin: false, tty: false, operation, gate, onPaused })
  for await (const _ of socket);
}

async function resize(engine: Engine, { id, container }: Exec, { columns, rows }: TerminalSize): Promise<void> {
  await ask(engine, { operation: 'pty.resize', id: container }, () =>
    // A process that has ended has no size. Podman answers 201 where it has set it.
    outcome([201, 404, 409, 500], engine.client.getExec(id).resize({ w: columns, h: rows })),
  )
}

async function firstLine(output: AsyncIterator<OutputChunk>): Promise<{ line: string; rest: Uint8Array }> {
  let seen = Buffer.alloc(0)
  while (seen.length < LONGEST_LINE) {
    const end = seen.indexOf(0x0a)
    if (end >= 0) return { line: seen.toString('utf8', 0, end), rest: seen.subarray(end + 1) }
    const { done, value } = await output.next()
    if (done) break
    seen = Buffer.concat([seen, value.bytes])
  }
  return { line: seen.toString('utf8'), rest: Buffer.alloc(0) }
}

async function* after(rest: Uint8Array, output: AsyncIterator<OutputChunk>): AsyncGenerator<OutputChunk> {
  try {
    if (rest.length > 0) yield { fd: 1, bytes: rest }
    for (let next = await output.next(); !next.done; next = await output.next()) yield next.value
  } finally {
    await output.return?.()
  }
}
