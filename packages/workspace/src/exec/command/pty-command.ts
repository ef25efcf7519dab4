import { type Command, type CommandExit, type CommandLine, type PtyProcess, RingfenceError, type TerminalSize } from '@ringfence/core'
import { quote, quoteAll } from '@ringfence/core/plugin'
import type { ExecContext } from '../context.ts'
import { execErrors } from '../errors.ts'
import type { Lane } from '../lane.ts'
import { requests } from '../script/requests.ts'
import { dropFiles } from './operation.ts'
import { type EngineOptions, exportsOf, type Prepared } from './prepare.ts'
import { readAhead } from './read-ahead.ts'
import { formatClaim } from './receipt.ts'
import { redactOutput } from './redact-output.ts'

const AGAIN_MS = 250
/** What a terminal may print before somebody reads it. */
const HELD_BYTES = 1 << 20

/**
 * Runs a command on a terminal. It has a claim, so that its id runs once, but no spool: who lost it finds `exec.lost`.
 * Its deadline is kept by this process.
 */
export async function startOnTerminal(
  context: ExecContext,
  { lane, spec }: Prepared,
  line: CommandLine,
  size: TerminalSize,
  options: EngineOptions,
): Promise<Command> {
  const { pty } = context.sandbox
  if (!pty) throw execErrors.unsupported('pty', 'Use a provider with terminals, or run without one.')
  const { opId, name, digest, cwd, maxSpoolBytes } = spec
  const claim = formatClaim({ digest, boot: lane.boot, maxSpoolBytes, kind: 'pty', opId })
  const answer = await lane.call({ text: requests.claim(name, claim, cwd) }, 'if-never')
  if (answer.kind === 'refused' && answer.words[0] === 'cwd') throw execErrors.noCwd(cwd)
  if (answer.kind !== 'done')
    throw execErrors.lost(opId, 'a terminal is not joined again', { effect: answer.kind === 'refused' ? 'none' : 'unknown' })
  const files = await environment(context, lane, { ...context.env, ...spec.env }, spec.envFile)
  const script = [
    `cd ${quote(cwd)} || exit 126`,
    ...files.map((file) => `. ${quote(file)}; rm -f ${quote(file)}`),
    `unset OLDPWD; export RINGFENCE_OP=${name} TERM="\${TERM:-xterm-256color}"`,
    `exec ${typeof line === 'string' ? `sh -c ${quote(line)}` : quoteAll(line)}`,
  ].join('\n')
  try {
    const process = await pty.open(['sh', '-c', script], { size, user: options.user, signal: options.signal })
    return terminalHandle(context, lane, name, opId, process, options)
  } catch (error) {
    if (files.length > 0) await dropFiles(lane, files)
    throw error
  }
}

/** Values never travel in argv, and the only way to a terminal is argv: they go ahead in a file. */
async function environment(
  context: ExecContext,
  lane: Lane,
  env: Readonly<Record<string, string>>,
  secrets: string | undefined,
): Promise<string[]> {
  const files = Object.keys(env).length > 0 ? [await lane.stage(exportsOf(env))] : []
  if (secrets !== undefined) files.push(secrets)
  return context.closing.aborted ? [] : files
}

function terminalHandle(
  context: ExecContext,
  lane: Lane,
  name: string,
  opId: string,
  process: PtyProcess,
  options: EngineOptions,
): Command {
  const { clock, killGraceMs } = context
  const { signal, timeoutMs } = options
  const over = new AbortController()
  let ended = false
  let timedOut = false
  const stop = async (which: 'TERM' | 'KILL' | 'INT'): Promise<void> => {
    if (ended) return
    const answer = await lane.call({ text: requests.stop(name, which) }, 'always')
    if (answer.kind === 'lost') throw answer.cause instanceof RingfenceError ? answer.cause : execErrors.channel(answer)
  }
  /** What has only begun does not carry its mark yet, and is found by a later look. */
  const killUntilEnded = async (firstWait: number): Promise<void> => {
    for (let wait = firstWait; !ended; wait = AGAIN_MS) {
      await clock.sleep(wait, { signal: over.signal, unref: true })
      await stop('KILL')
    }
  }
  const end = async (): Promise<void> => {
    await stop('TERM')
    await killUntilEnded(killGraceMs)
  }
  const deadline = async (): Promise<void> => {
    if (timeoutMs === undefined) return
    await clock.sleep(timeoutMs, { signal: over.signal, unref: true })
    timedOut = true
    await end()
  }
  // A wait that its command ended rejects by design; that a kill failed shows in the command, which goes on.
  const quietly = (work: Promise<void>): void => void work.catch(() => undefined)
  const onAbort = (): void => quietly(end())
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) onAbort()
  quietly(deadline())
  const exit = process.exit
    .then((status): CommandExit => {
      if (signal?.aborted) throw signal.reason
      return { exitCode: status.code, signal: status.signal, timedOut, outputCut: false }
    })
    .finally(() => {
      ended = true
      over.abort()
      signal?.removeEventListener('abort', onAbort)
    })
  // Whoever awaits the exit gets the error.
  exit.catch(() => undefined)
  const { stdin } = process
  return {
    opId,
    output: redactOutput(readAhead(process.output, HELD_BYTES), context.redact),
    exit,
    stdin: { write: (data) => stdin.write(typeof data === 'string' ? Buffer.from(data, 'utf8') : data), end: () => stdin.end() },
    async kill(which = 'SIGTERM') {
      await stop(which === 'SIGKILL' ? 'KILL' : which === 'SIGINT' ? 'INT' : 'TERM')
      if (which === 'SIGKILL') quietly(killUntilEnded(AGAIN_MS))
    },
    resize: (to) => process.resize(to),
    detach: () => process.detach(),
  }
}
