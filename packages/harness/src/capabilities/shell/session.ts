import { type Clock, type Command, type CommandExit, isRingfenceError } from '@ringfence/core'
import { settlesWithin } from '../wait.ts'
import { createOutputBuffer, type OutputBuffer } from './output-buffer.ts'

/** A command that the model follows over several calls. */
export interface Session {
  readonly opId: string
  readonly isTty: boolean
  readonly hasStdin: boolean
  readonly output: OutputBuffer
  /** Settles when the command has ended or can be followed no more. Never rejects. */
  readonly ended: Promise<void>
  /** How it ended; undefined while it runs. */
  end(): SessionEnd | undefined
  /** Types into it. Ctrl-C interrupts; without a terminal, Ctrl-D at the end closes its input. */
  type(chars: string): Promise<void>
  /** Ends it with all that it started. */
  stop(): Promise<void>
}

/** `error` alone: what became of the command is not known. Both: it ended, and a part of its output is missing. */
export interface SessionEnd {
  readonly exit?: CommandExit | undefined
  readonly error?: unknown
}

// A process that was left in the background can hold the output open after the command has ended.
const OUTPUT_GRACE_MS = 250

/** Follows a command: its output is gathered from now on, until it ends. */
export function followCommand(command: Command, clock: Clock): Session {
  const output = createOutputBuffer()
  let end: SessionEnd | undefined
  const ended = follow(command, output, clock).then((result) => {
    output.end()
    end = result
  })
  const isTty = command.resize !== undefined
  let typed: Promise<void> = Promise.resolve()
  return {
    opId: command.opId,
    isTty,
    hasStdin: command.stdin !== undefined,
    output,
    ended,
    end: () => end,
    type(chars) {
      const next = typed.then(() => typeInto(command, chars, isTty))
      // The order is kept behind a failed one, whose caller has the error.
      typed = next.catch(() => undefined)
      return next
    },
    async stop() {
      await command.kill('SIGKILL')
      await command.detach()
    },
  }
}

async function follow(command: Command, output: OutputBuffer, clock: Clock): Promise<SessionEnd> {
  const pump = (async () => {
    for await (const chunk of command.output) output.push(chunk)
  })()
  let exit: CommandExit
  try {
    exit = await Promise.race([command.exit, pump.then(() => command.exit)])
  } catch (error) {
    return { error }
  }
  try {
    if (!(await settlesWithin(pump, OUTPUT_GRACE_MS, clock))) await command.detach()
    return { exit }
  } catch (error) {
    return { exit, error }
  }
}

async function typeInto(command: Command, chars: string, isTty: boolean): Promise<void> {
  if (isTty) return command.stdin?.write(chars)
  const text = chars.replaceAll('\u0003', '')
  const closes = text.endsWith('\u0004')
  const typed = closes ? text.slice(0, -1) : text
  if (typed !== '') await command.stdin?.write(typed)
  if (closes) await command.stdin?.end()
  if (text !== chars) await command.kill('SIGINT')
}

/** Whether another call can learn more of the session: it runs, or only the connection to it was lost. */
export function canGoOn(session: Session): boolean {
  const end = session.end()
  return !end || (!end.exit && !isRingfenceError(end.error, 'exec.lost'))
}

/** Whether an error says that a command reads no more. */
export function isClosedStdin(error: unknown): boolean {
  return isRingfenceError(error, 'exec.invalid-stdin')
}
