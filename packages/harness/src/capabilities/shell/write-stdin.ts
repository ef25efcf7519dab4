import { type Clock, type FunctionTool, isRingfenceError, type ToolCall, type WorkspaceHandle } from '@ringfence/core'
import { z } from 'zod'
import { defineTool } from '../define-tool.ts'
import { settlesWithin } from '../wait.ts'
import { formatResult } from './format-result.ts'
import { canGoOn, followCommand, isClosedStdin, type Session } from './session.ts'
import { opIdOf } from './session-id.ts'
import type { SessionTable } from './session-table.ts'
import { DEFAULT_OUTPUT_TOKENS } from './truncate-output.ts'

const YIELD = { least: 250, most: 30_000, usual: 250 }
// A model that only looks has nothing to do in the meantime: short looks would cost it a turn each.
const POLL = { least: 5_000, most: 300_000 }

const schema = z.object({
  session_id: z.int().describe('Identifier of the running session.'),
  chars: z
    .string()
    .optional()
    .describe('Characters to write to its stdin; \\u0003 interrupts it. Empty, the default: only look for new output.'),
  yield_time_ms: z
    .number()
    .min(0)
    .optional()
    .describe(
      `How long to wait, in milliseconds, for output before yielding. Default: ${YIELD.usual}; at least ${POLL.least} when chars is empty.`,
    ),
  max_output_tokens: z
    .int()
    .min(1)
    .optional()
    .describe(`Most tokens of output to return; the middle of more is left out. Default: ${DEFAULT_OUTPUT_TOKENS}.`),
})

/** What `write_stdin` is made from. */
export interface WriteStdinOptions {
  readonly clock: Clock
  readonly table: SessionTable
}

/** The tool `write_stdin`: types into a session, or looks what it has printed since. */
export function writeStdin({ clock, table }: WriteStdinOptions): FunctionTool {
  return defineTool({
    name: 'write_stdin',
    description: 'Writes characters to a session that exec_command has left running, and returns its recent output.',
    schema,
    isIdempotent: false,
    async invoke(args, call, workspace) {
      const startedAt = clock.monotonic()
      const id = args.session_id
      const found = await table.useOrOpen(id, () => reopen(id, call, workspace, clock))
      if (!found)
        return `write_stdin failed: there is no session ${id}. It has ended, or never was; start the command again with exec_command.`
      const { session, isNew } = found
      const notes = isNew ? ['The session was picked up again; its output is shown from its beginning.'] : []
      const chars = args.chars ?? ''
      if (chars.replaceAll('\u0003', '') !== '' && !session.hasStdin && !session.end())
        return `write_stdin failed: stdin is closed for session ${id}, which still runs; rerun exec_command with tty=true to keep stdin open.`
      const wait = waitOf(chars, args.yield_time_ms)
      if (chars !== '' && !session.end()) notes.push(...(await typeWithin(session, chars, wait, clock, call.signal)))
      const left = wait - (clock.monotonic() - startedAt)
      if (left > 0) await settlesWithin(session.ended, left, clock, call.signal)
      if (session.end()) table.remove(id)
      const maxTokens = args.max_output_tokens ?? DEFAULT_OUTPUT_TOKENS
      const sessionId = canGoOn(session) ? id : undefined
      return formatResult(session, { clock, startedAt, key: call.idempotencyKey, sessionId, maxTokens, notes })
    },
  })
}

function waitOf(chars: string, asked: number = YIELD.usual): number {
  const { least, most } = chars === '' ? POLL : YIELD
  return Math.min(most, Math.max(least, asked))
}

/** Finds the command of a session that this process does not know: another one had started it. */
async function reopen(id: number, call: ToolCall, workspace: WorkspaceHandle, clock: Clock): Promise<Session | undefined> {
  const opId = opIdOf(id, call)
  if (opId === undefined) return undefined
  try {
    return followCommand(await workspace.attach(opId), clock)
  } catch (error) {
    if (isRingfenceError(error, 'exec.lost')) return undefined
    throw error
  }
}

/** Types, without waiting longer than the call may for a command that does not read. Returns what is to be noted. */
async function typeWithin(session: Session, chars: string, ms: number, clock: Clock, signal: AbortSignal): Promise<string[]> {
  try {
    if (await settlesWithin(Promise.race([session.type(chars), session.ended]), ms, clock, signal)) return []
    return ['The command has not read all of the characters yet; they wait for it.']
  } catch (error) {
    if (!isClosedStdin(error)) throw error
    return ['The command reads its stdin no more; the characters were not written.']
  }
}
