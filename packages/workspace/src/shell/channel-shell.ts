import { type Clock, isRingfenceError, type Process, type Random, RingfenceError, randomId, type SandboxBase } from '@ringfence/core'
import { dropFiles } from '../exec/command/operation.ts'
import { execErrors } from '../exec/errors.ts'
import type { Lane } from '../exec/lane.ts'
import { requests } from '../exec/script/requests.ts'
import type { SandboxShell, ScriptOptions, ScriptResult } from './sandbox-shell.ts'
import { type Script, standalone } from './script.ts'

export interface ChannelShellOptions {
  readonly lane: Lane
  readonly sandbox: SandboxBase
  readonly clock: Clock
  readonly random: Random
}

const MAX_BYTES = 64 << 20
const MAX_SAID = 64 << 10
/** From one look for what is to be ended to the next, in milliseconds. */
const STOP_MS = 50

/** The engine's own scripts over a lane: small ones in its channel, large ones in a process of their own. */
export function channelShell({ lane, sandbox, clock, random }: ChannelShellOptions): SandboxShell {
  const merged = sandbox.profile.wire.output === 'merged'
  const mark = (): string => randomId(random, 'script')

  const inChannel = async (
    script: Script,
    args: readonly string[],
    stdin: Uint8Array | string | undefined,
    options: ScriptOptions,
  ): Promise<ScriptResult> => {
    const { signal, quick = false, maxBytes = MAX_BYTES } = options
    const name = mark()
    let out: Uint8Array[] = []
    let said: Uint8Array[] = []
    let bytes = 0
    let stopping: { readonly over: AbortController; readonly done: Promise<void> } | undefined
    // Its children are ended, also those that it has yet to start; what is left of the script then comes to its end by itself.
    const stopAll = async ({ signal: over }: AbortController): Promise<void> => {
      while (!over.aborted) {
        await lane.call({ text: requests.stop(name, 'KILL') }, 'always')
        await clock.sleep(STOP_MS, { signal: over })
      }
    }
    const stop = (): void => {
      if (stopping) return
      const over = new AbortController()
      // What cannot be stopped is told by the answer.
      stopping = { over, done: stopAll(over).catch(() => undefined) }
    }
    const isText = typeof script === 'string'
    const how = isText ? 'rf_script' : quick ? 'rf_quick' : 'rf_routine'
    const text = requests.script(how, name, isText ? script : script.name, args, stdin)
    const answering = lane.call(
      {
        library: isText ? undefined : script.library,
        quick,
        text: (q) => {
          out = []
          said = []
          bytes = 0
          return text(q)
        },
        onChunk(fd, chunk) {
          bytes += chunk.length
          if (fd === 2) said.push(chunk)
          else if (bytes <= maxBytes) out.push(chunk)
          else stop()
        },
      },
      'if-never',
    )
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const answer = await answering
      if (signal?.aborted) throw signal.reason
      if (bytes > maxBytes) throw tooMuch(maxBytes)
      if (answer.kind === 'lost' && isRingfenceError(answer.cause, 'sandbox.closed')) throw answer.cause
      const code = answer.kind === 'done' ? Number(answer.words[0]) : Number.NaN
      if (!Number.isInteger(code)) throw execErrors.channel(answer)
      return { code, stdout: Buffer.concat(out), stderr: Buffer.concat(said).subarray(0, MAX_SAID).toString('utf8') }
    } finally {
      signal?.removeEventListener('abort', stop)
      stopping?.over.abort()
      await stopping?.done
    }
  }

  /** Runs a script in a process of its own; yields stdout and returns how it ended. */
  async function* alone(
    script: Script,
    args: readonly string[],
    options: ScriptOptions,
  ): AsyncGenerator<Uint8Array, { code: number; stderr: string }> {
    const { stdin, signal, maxBytes = Number.POSITIVE_INFINITY } = options
    // Where both streams come back as one, what the script says goes into a file first.
    const path = merged ? `${lane.control.path}/${mark()}` : undefined
    const body = standalone(script)
    const text = path === undefined ? body : `exec 2>'${path}'\n${body}`
    const process = await lane.spawn(stdin === undefined ? `exec </dev/null\n${text}` : text, args, { stdin: stdin !== undefined, signal })
    // It is awaited where the output has ended; one that is left early must not go unhandled.
    process.exit.catch(() => undefined)
    const feeding = stdin === undefined ? undefined : feed(process, stdin)
    // It is awaited below, unless the output fails first.
    feeding?.catch(() => undefined)
    let ended = false
    let bytes = 0
    const said: Uint8Array[] = []
    let saidBytes = 0
    try {
      for await (const chunk of process.output) {
        if (chunk.fd === 1) {
          bytes += chunk.bytes.length
          if (bytes > maxBytes) throw tooMuch(maxBytes)
          yield chunk.bytes
        } else if (saidBytes < MAX_SAID) {
          said.push(chunk.bytes)
          saidBytes += chunk.bytes.length
        }
      }
      await feeding
      const status = await process.exit
      ended = true
      const stderr = path === undefined ? Buffer.concat(said).subarray(0, MAX_SAID).toString('utf8') : await readSaid(path)
      if (stderr.startsWith('rf: gone\n')) throw execErrors.gone(lane.control.path)
      if (stderr.startsWith('rf: fenced ')) throw execErrors.fenced(undefined, stderr.split('\n')[0]?.slice(11))
      return { code: status.code ?? 128, stderr }
    } finally {
      // What cannot be killed any more has ended.
      if (!ended) await process.kill?.('SIGKILL').catch(() => undefined)
      await process.detach()
    }
  }

  const readSaid = async (path: string): Promise<string> => {
    const { stdout } = await inChannel(
      `if [ -s "$1" ]; then dd if="$1" bs=${MAX_SAID} count=1 2>/dev/null; fi; rm -f "$1"`,
      [path],
      undefined,
      {},
    )
    return Buffer.from(stdout).toString('utf8')
  }

  return {
    async run(script, args, options = {}) {
      options.signal?.throwIfAborted()
      const { stdin } = options
      if (stdin === undefined || (stdin instanceof Uint8Array && stdin.length <= lane.pieceBytes))
        return inChannel(script, args, stdin, options)
      if (!lane.resident) {
        const path = await lane.stage(stdin instanceof Uint8Array ? stdin : await gather(stdin))
        try {
          return await inChannel(script, args, path, options)
        } finally {
          await dropFiles(lane, [path])
        }
      }
      const running = alone(script, args, { ...options, maxBytes: options.maxBytes ?? MAX_BYTES })
      const out: Uint8Array[] = []
      for (;;) {
        const next = await running.next()
        if (next.done) return { ...next.value, stdout: Buffer.concat(out) }
        out.push(next.value)
      }
    },
    async *stream(script, args, options = {}) {
      options.signal?.throwIfAborted()
      if (options.stdin !== undefined && !lane.resident) {
        const result = await this.run(script, args, options)
        if (result.code !== 0) throw scriptFailed(result.code, result.stderr)
        yield result.stdout
        return
      }
      const { code, stderr } = yield* alone(script, args, options)
      if (code !== 0) throw scriptFailed(code, stderr)
    },
  }
}

/**
 * Feeds a process; the next piece is made while one is on its way. A process that does not want more ends in its own way, which
 * its code tells. When the source fails, the process is killed before it can take the end of its input for the end of the data.
 */
async function feed(process: Process, source: NonNullable<ScriptOptions['stdin']>): Promise<void> {
  const { stdin } = process
  const pieces = source instanceof Uint8Array ? once(source) : source[Symbol.asyncIterator]()
  try {
    for (let next = pieces.next(); ; ) {
      const { done, value } = await next
      if (done) break
      next = pieces.next()
      // It is awaited in the next turn, unless the process wants no more.
      next.catch(() => undefined)
      await stdin?.write(value)
    }
  } catch (error) {
    // A source that hangs holds its return as well.
    pieces.return?.().then(undefined, () => undefined)
    if (!isRingfenceError(error, 'exec.invalid-stdin')) {
      // As above: what cannot be killed any more has ended.
      await process.kill?.('SIGKILL').catch(() => undefined)
      await process.detach()
      throw error
    }
  }
  // A process that reads no more has its end already.
  await stdin?.end().catch(() => undefined)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function gather(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const bytes of source) parts.push(Buffer.from(bytes))
  return Buffer.concat(parts)
}

const tooMuch = (maxBytes: number): RingfenceError =>
  new RingfenceError('archive.limit', `A script of the engine printed more than "${maxBytes}" bytes`, {
    operation: 'shell',
    hint: 'Ask for less, or stream it.',
  })

const scriptFailed = (code: number, stderr: string): RingfenceError =>
  new RingfenceError(
    'fs.failed',
    `A script of the engine ended with code "${code}": ${stderr.trim().slice(0, 2000) || 'it said nothing'}`,
    {
      operation: 'shell',
      hint: 'Read what the sandbox said.',
      details: { code },
    },
  )
