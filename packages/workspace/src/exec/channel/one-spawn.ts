import { type Process, RingfenceError, type SandboxBase, type Wire } from '@ringfence/core'
import { quote } from '@ringfence/core/plugin'
import { type Answer, type Channel, type ChannelRequest, pendingCalls } from './channel.ts'
import { frameParser } from './frame-parser.ts'

export interface OneSpawnOptions {
  readonly sandbox: SandboxBase
  readonly user: string | undefined
  /** What each script begins with. */
  readonly prelude: () => { readonly text: string; readonly channelToken: string }
  /** Brings a script that is too long for an argument into a file inside and returns its path. */
  readonly stage: (script: string) => Promise<string>
}

/** What one argument may have on Linux, with room for the rest. */
const MAX_ARGUMENT = 120 * 1024

/** What the script of one request may have. */
export function argumentBytes(wire: Wire): number {
  return Math.min(MAX_ARGUMENT, wire.maxArgvBytes - 1024)
}

/** One spawn for each request: for wires whose stdin is not live. */
export function oneSpawnChannel(options: OneSpawnOptions): Channel {
  const open = new Set<Process>()
  let closed = false
  let sequence = 0
  const { wire } = options.sandbox.profile
  const limit = argumentBytes(wire)

  const spawn = async (script: string): Promise<Process> => {
    if (closed) throw new RingfenceError('sandbox.closed', 'The workspace is closed', { operation: 'exec', effect: 'none' })
    const request = options.user === undefined ? {} : { user: options.user }
    return options.sandbox.spawn(['sh', '-c', script], request)
  }

  return {
    live: wire.delivery === 'live',
    async call(request) {
      const { text, channelToken } = options.prelude()
      const number = ++sequence
      let body = `${request.library ?? ''}\n${request.text(number)}`
      if (Buffer.byteLength(text) + Buffer.byteLength(body) > limit) {
        const path = quote(await options.stage(body))
        body = `. ${path}\nrm -f ${path}`
      }
      const process = await spawn(`${text}\n${body}`)
      open.add(process)
      try {
        return await listen(process, channelToken, number, request)
      } finally {
        open.delete(process)
      }
    },
    async close() {
      closed = true
      // A connection that is gone already needs no letting go.
      await Promise.all([...open].map((one) => one.detach().catch(() => undefined)))
    },
  }
}

async function listen(process: Process, token: string, sequence: number, request: ChannelRequest): Promise<Answer> {
  const pending = pendingCalls()
  const answer = pending.add(sequence, request)
  const fits = (known: boolean): void => {
    if (!known) throw new RingfenceError('provider.failed', 'The script in the sandbox answered what was not asked', { operation: 'exec' })
  }
  const handler = {
    event: (number: number, words: readonly string[], line: string) => fits(pending.event(number, words, line)),
    chunk: (number: number, fd: 1 | 2, bytes: Uint8Array) => fits(pending.chunk(number, fd, bytes)),
    end: (number: number) => fits(pending.end(number)),
  }
  const parsers = { 1: frameParser(token, handler, true), 2: frameParser(token, handler, false) } as const
  // The answer tells of the end; an exit that nobody awaits must not end the harness.
  process.exit.catch(() => undefined)
  const read = async (): Promise<void> => {
    try {
      for await (const { fd, bytes } of process.output) {
        parsers[fd].push(bytes)
        if (pending.size() === 0) break
      }
      pending.lose(new RingfenceError('provider.failed', 'The script in the sandbox ended without an answer', { operation: 'exec' }), true)
    } catch (error) {
      pending.lose(error, false)
    }
    // As above: what is gone needs no letting go.
    await process.detach().catch(() => undefined)
  }
  void read()
  return answer
}
