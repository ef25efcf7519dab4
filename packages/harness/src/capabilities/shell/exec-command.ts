import type { CapabilityBinding, Clock, FunctionTool, SpawnOptions, ToolCall, WorkspaceHandle } from '@ringfence/core'
import { z } from 'zod'
import { defineTool } from '../define-tool.ts'
import { resolvePath } from '../resolve-path.ts'
import { settlesWithin } from '../wait.ts'
import { formatResult } from './format-result.ts'
import { canGoOn, followCommand, type Session } from './session.ts'
import { sessionIdOf } from './session-id.ts'
import type { SessionTable } from './session-table.ts'
import { DEFAULT_OUTPUT_TOKENS } from './truncate-output.ts'

const TERMINAL = { columns: 80, rows: 24 }
const YIELD = { least: 250, most: 30_000, usual: 10_000 }

const schema = z.object({
  cmd: z.string().min(1).describe('Shell command to execute.'),
  workdir: z.string().optional().describe('Working directory, relative to the one that commands start in. Default: that one.'),
  shell: z.string().min(1).optional().describe('Shell binary to launch. Default: bash where the sandbox has it, else sh.'),
  login: z.boolean().optional().describe('Whether to run the shell with -l, so that it reads login profiles. Default: false.'),
  tty: z
    .boolean()
    .optional()
    .describe('Whether to run the command on a terminal, so that it can be typed into. Default: false, with its stdin closed.'),
  yield_time_ms: z
    .number()
    .min(0)
    .optional()
    .describe(
      `How long to wait, in milliseconds, for the command to end before yielding (${YIELD.least} to ${YIELD.most}). Default: ${YIELD.usual}.`,
    ),
  max_output_tokens: z
    .int()
    .min(1)
    .optional()
    .describe(`Most tokens of output to return; the middle of more is left out. Default: ${DEFAULT_OUTPUT_TOKENS}.`),
})

type Args = z.output<typeof schema>

/** What `exec_command` is made from. */
export interface ExecCommandOptions {
  readonly binding: CapabilityBinding
  readonly clock: Clock
  readonly table: SessionTable
  readonly needsApproval: FunctionTool['needsApproval']
}

/** The tool `exec_command`. A repeated call follows the command of the first: the id of the operation is the key of the call. */
export function execCommand(options: ExecCommandOptions): FunctionTool {
  const { binding, clock, table, needsApproval } = options
  return defineTool({
    name: 'exec_command',
    description:
      'Runs a command in the sandbox, returning its output, or a session ID for ongoing interaction when it has not ended in time.',
    schema,
    isIdempotent: true,
    needsApproval,
    async invoke(args, call, workspace) {
      const startedAt = clock.monotonic()
      const notes: string[] = []
      const session = await start(args, call, workspace, binding, clock)
      if (args.tty && !session.isTty) notes.push('This sandbox has no terminals; the command runs with an open stdin instead.')
      let sessionId = canGoOn(session) ? sessionIdOf(call.callId) : undefined
      if (!session.end()) {
        const { id, note } = await table.add(call.callId, session)
        sessionId = id
        if (note) notes.push(note)
      }
      const maxTokens = args.max_output_tokens ?? DEFAULT_OUTPUT_TOKENS
      return formatResult(session, { clock, startedAt, key: call.idempotencyKey, sessionId, maxTokens, notes })
    },
  })
}

/** Starts the command and waits until it ends or the call yields. Aborting the call until then kills it. */
async function start(args: Args, call: ToolCall, workspace: WorkspaceHandle, binding: CapabilityBinding, clock: Clock): Promise<Session> {
  const kill = new AbortController()
  const onAbort = (): void => kill.abort(call.signal.reason)
  if (call.signal.aborted) onAbort()
  call.signal.addEventListener('abort', onAbort, { once: true })
  try {
    const command = await workspace.spawn(argvOf(args), {
      cwd: resolvePath(args.workdir || '.', binding.cwd, workspace.root),
      opId: call.idempotencyKey,
      signal: kill.signal,
      ...inputOf(args, workspace),
    })
    const session = followCommand(command, clock)
    const wait = Math.min(YIELD.most, Math.max(YIELD.least, args.yield_time_ms ?? YIELD.usual))
    await settlesWithin(session.ended, wait, clock, call.signal)
    return session
  } finally {
    call.signal.removeEventListener('abort', onAbort)
  }
}

function argvOf({ cmd, shell, login }: Args): string[] {
  const flags = login ? ['-l', '-c'] : ['-c']
  if (shell !== undefined) return [shell, ...flags, cmd]
  const script = `if command -v bash >/dev/null 2>&1; then exec bash ${flags.join(' ')} "$1"; fi; exec sh ${flags.join(' ')} "$1"`
  return ['sh', '-c', script, 'sh', cmd]
}

function inputOf({ tty }: Args, { hasPty }: WorkspaceHandle): Pick<SpawnOptions, 'stdin' | 'pty'> {
  if (!tty) return {}
  return hasPty ? { pty: TERMINAL } : { stdin: 'open' }
}
