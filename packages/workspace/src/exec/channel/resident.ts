import { type Clock, type Process, RingfenceError, type SandboxBase } from '@ringfence/core'
import { type Channel, type PendingCalls, pendingCalls } from './channel.ts'
import { frameParser } from './frame-parser.ts'

export interface ResidentOptions {
  readonly sandbox: SandboxBase
  readonly user: string | undefined
  /** What a new resident reads first. */
  readonly prelude: () => { readonly text: string; readonly channelToken: string }
  readonly clock: Clock
  /** Without a call for this many milliseconds it hangs up. */
  readonly idleMs: number
}

/** A call that gives no sign of life for so long is taken for lost, counted in checks so that a sleep of the host is none. */
const SILENCE_MS = 20_000
const CHECK_MS = 5000

interface Resident {
  readonly pending: PendingCalls
  readonly ended: AbortSignal
  send(text: string): void
  /** Gives it functions, once. */
  teach(library: string): void
  /** Lets go of it; what is open is answered `lost`. */
  drop(cause: unknown): Promise<void>
}

const failed = (message: string): RingfenceError => new RingfenceError('provider.failed', message, { operation: 'exec' })

/**
 * The resident shell: one `sh` that reads requests from its stdin and works on all of them at once. It is opened by
 * the first call, hangs up when it is idle, and a dead one is replaced by the next call.
 */
export function residentChannel(options: ResidentOptions): Channel {
  let current: Promise<Resident> | undefined
  let closed = false
  let sequence = 0

  const open = async (): Promise<Resident> => {
    const { text, channelToken } = options.prelude()
    const process = await options.sandbox.spawn(['sh'], { stdin: true, ...(options.user === undefined ? {} : { user: options.user }) })
    const resident = startResident(process, channelToken)
    resident.send(text)
    void attend(resident)
    return resident
  }

  const get = (): Promise<Resident> => {
    if (closed) throw new RingfenceError('sandbox.closed', 'The workspace is closed', { operation: 'exec', effect: 'none' })
    current ??= open()
    return current
  }

  /** Ends an idle resident, and one that has stopped to answer. */
  const attend = async (resident: Resident): Promise<void> => {
    const step = Math.max(1, Math.min(CHECK_MS, options.idleMs))
    let idle = 0
    let last = sequence
    let silent = new Map<number, number>()
    try {
      while (!resident.ended.aborted) {
        await options.clock.sleep(step, { signal: resident.ended, unref: true })
        idle = resident.pending.size() === 0 && last === sequence ? idle + step : 0
        last = sequence
        silent = new Map(resident.pending.owing().map((one) => [one, (silent.get(one) ?? 0) + step]))
        if (idle >= options.idleMs) await resident.drop(failed('The shell in the sandbox was idle'))
        else if (Math.max(0, ...silent.values()) >= SILENCE_MS) await resident.drop(failed('The shell in the sandbox does not answer'))
      }
    } catch (error) {
      if (!resident.ended.aborted) await resident.drop(error)
    }
  }

  return {
    live: options.sandbox.profile.wire.delivery === 'live',
    async call(request) {
      for (;;) {
        const opening = get()
        let resident: Resident | undefined
        try {
          resident = await opening
        } finally {
          if ((!resident || resident.ended.aborted) && current === opening) current = undefined
        }
        if (resident.ended.aborted) continue
        const number = ++sequence
        // Alone it finds the lock free, and nobody waits for the shell. What is beside it would cost a fork.
        const inMain = request.inMain || (request.quick && resident.pending.size() === 0)
        const answer = resident.pending.add(number, request)
        if (request.library !== undefined) resident.teach(request.library)
        resident.send(shellText(request.text(number), inMain))
        return answer
      }
    },
    async close() {
      closed = true
      const opening = current
      current = undefined
      // One that could not be opened has told so to who called.
      const resident = await opening?.catch(() => undefined)
      await resident?.drop(new RingfenceError('sandbox.closed', 'The workspace was closed', { operation: 'exec' }))
    },
  }
}

/** `jobs` takes in the background jobs that have ended, which would stay as zombies. */
function shellText(text: string, inMain: boolean | undefined): string {
  return inMain ? `${text}\n` : `{\n${text}\n} </dev/null &\njobs >/dev/null 2>&1\n`
}

function startResident(process: Process, token: string): Resident {
  const pending = pendingCalls()
  const { stdin } = process
  const ending = new AbortController()
  const known = new Set<string>()
  let queue: string[] = []
  let writing = false

  const end = (cause: unknown, drained: boolean): void => {
    ending.abort()
    pending.lose(cause, drained)
  }
  const drop = async (cause: unknown): Promise<void> => {
    end(cause, false)
    // The shell ends with its input; whether that still arrives is all the same.
    await stdin?.end().catch(() => undefined)
    await process.detach().catch(() => undefined)
  }
  const fits = (known: boolean): void => {
    if (!known) throw failed('The channel into the sandbox answered what was not asked')
  }
  const handler = {
    event: (sequence: number, words: readonly string[], line: string) => fits(pending.event(sequence, words, line)),
    chunk: (sequence: number, fd: 1 | 2, bytes: Uint8Array) => fits(pending.chunk(sequence, fd, bytes)),
    end: (sequence: number) => fits(pending.end(sequence)),
  }
  const parsers = { 1: frameParser(token, handler, true), 2: frameParser(token, handler, false) } as const

  const listen = async (): Promise<void> => {
    try {
      for await (const { fd, bytes } of process.output) {
        if (ending.signal.aborted) return
        parsers[fd].push(bytes)
      }
      end(failed('The shell in the sandbox has ended'), true)
      await process.detach()
    } catch (error) {
      await drop(error)
    }
  }
  const flush = async (): Promise<void> => {
    if (writing) return
    writing = true
    try {
      while (queue.length > 0 && !ending.signal.aborted) {
        const text = queue.join('')
        queue = []
        await stdin?.write(Buffer.from(text, 'utf8'))
      }
    } catch (error) {
      await drop(error)
    } finally {
      writing = false
    }
  }
  // How the shell ends is told by its output.
  process.exit.catch(() => undefined)
  void listen()
  const send = (text: string): void => {
    queue.push(text)
    void flush()
  }
  return {
    pending,
    ended: ending.signal,
    send,
    teach(library) {
      if (!known.has(library)) send(`${library}\n`)
      known.add(library)
    },
    drop,
  }
}
