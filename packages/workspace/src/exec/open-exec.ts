import {
  type Clock,
  type Command,
  type CommandLine,
  type ExecOptions,
  type ExecResult,
  type Random,
  RingfenceError,
  type Sandbox,
  type SpawnOptions,
  throwIfAborted,
} from '@ringfence/core'
import { channelShell } from '../shell/channel-shell.ts'
import type { SandboxShell } from '../shell/sandbox-shell.ts'
import { readClaimed, readReceipt } from './command/await-receipt.ts'
import { collect } from './command/collect.ts'
import { checkLimit, commandHandle, exitOf, orKilled, untilEnd } from './command/command-handle.ts'
import { dropFiles, joinOperation, type Operation, startOperation, untilClaimed } from './command/operation.ts'
import { type EngineOptions, type Prepared, prepare } from './command/prepare.ts'
import { startOnTerminal } from './command/pty-command.ts'
import { receiptName } from './command/receipt.ts'
import { INLINE_BYTES } from './command/spool.ts'
import { supervisor } from './command/supervise.ts'
import type { ExecContext, Redactor } from './context.ts'
import type { ControlEntry, ControlState } from './control-state.ts'
import { execErrors } from './errors.ts'
import { type Lane, openLane } from './lane.ts'
import { checkEnv, requests } from './script/requests.ts'

export interface OpenExecOptions {
  readonly sandbox: Sandbox
  /** Variables of every command. No secrets: those go by `secretEnv`. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** The epoch of the driver. A sandbox that saw a higher one refuses with `run.fenced`. */
  readonly epoch: number
  /** What an earlier process knew: its receipts are found again. Default: a new control directory. */
  readonly resumeFrom?: ControlState | undefined
  readonly clock: Clock
  readonly random: Random
  /** Between SIGTERM and SIGKILL, in milliseconds. Default 2,000. */
  readonly killGraceMs?: number | undefined
  /** The resident shell hangs up after so many milliseconds without work. Default 60,000. */
  readonly idleMs?: number | undefined
  /** Makes the redactor of one stream. It sees all output of commands before anything leaves the engine. */
  readonly redact?: (() => Redactor) | undefined
}

export type EngineSpawnOptions = SpawnOptions & EngineOptions
export type EngineExecOptions = ExecOptions & EngineOptions

/** Commands under receipts, over the sandbox of any provider. */
export interface Exec {
  /** What another process needs to find the receipts. Grows when a command runs as another user. */
  readonly control: ControlState
  /** The engine's own scripts, as the default user. */
  readonly shell: SandboxShell
  /**
   * Starts a command and returns when it is claimed. One id runs once: the same command again is joined.
   *
   * @throws `exec.spawn-failed` (no such directory or program), `exec.lost` (another command has this id), `config.invalid`,
   *   `feature.unsupported`, `run.fenced`, `sandbox.gone`, `sandbox.closed`, or the reason of the signal.
   */
  start(line: CommandLine, options: EngineSpawnOptions): Promise<Command>
  /**
   * Runs a command to its end, in one round trip where its output is small.
   *
   * @throws as `start`, and `exec.output-limit`.
   */
  exec(line: CommandLine, options: EngineExecOptions): Promise<ExecResult>
  /**
   * Takes up a command again: its output from the beginning, and its end, also from another process.
   *
   * @throws `exec.lost`: there is no receipt (`details.receipt` is `missing`, effect `none`), its supervisor is dead, or it
   *   ran on a terminal.
   */
  attach(opId: string): Promise<Command>
  /** The commands of this handle that run now. */
  running(): readonly string[]
  /** Removes the receipts and the output of commands that nobody will ask for again. */
  forget(opIds: readonly string[]): Promise<void>
  /** Fences off all drivers of lower epochs. */
  raiseEpoch(epoch: number): Promise<void>
  /** Hangs up. Commands go on; open calls reject with `sandbox.closed`. Idempotent. */
  close(): Promise<void>
}

const KILL_GRACE_MS = 2000
const IDLE_MS = 60_000
const MAX_OUTPUT = 16 << 20
/** Receipts that one process removes: as many as fit into a request on any wire. */
const FORGET_AT_ONCE = 200

/**
 * Opens the engine: one round trip makes the control directory, or verifies the one to resume from.
 *
 * @throws `sandbox.gone` (the control directory is missing or another's), `run.fenced`, `feature.unsupported` (no sh or
 *   setsid inside), `sandbox.start-failed`, or what the provider throws.
 */
export async function openExec(options: OpenExecOptions): Promise<Exec> {
  const { sandbox, clock, random, env = {}, idleMs = IDLE_MS, killGraceMs = KILL_GRACE_MS, redact, resumeFrom } = options
  checkEnv(env)
  let epoch = options.epoch
  const closing = new AbortController()
  const lanes = new Map<string | undefined, Promise<Lane>>()
  const entries = new Map<string | undefined, ControlEntry>(resumeFrom?.entries.map((entry) => [entry.user ?? undefined, entry]))

  const lane = (user: string | undefined): Promise<Lane> => {
    const known = lanes.get(user)
    if (known) return known
    const opening = openLane({ sandbox, user, env, epoch, resumeFrom: entries.get(user), clock, random, idleMs })
    lanes.set(user, opening)
    opening.then(
      ({ control }) => entries.set(user, control),
      () => lanes.delete(user),
    )
    return opening
  }
  const context: ExecContext = { sandbox, clock, random, env, killGraceMs, redact, closing: closing.signal, lane, running: new Set() }
  const watch = supervisor(context)
  const main = await lane(undefined)

  const begin = ({ lane: way, spec, files }: Prepared): Operation => {
    const operation = startOperation(context, way, spec)
    watch.wake()
    if (files.length > 0) {
      // A file that stays lies in the private directory, and goes with it.
      const drop = (): void => void dropFiles(way, files).catch(() => undefined)
      operation.outcome.then(drop, drop)
    }
    return operation
  }
  const checkOpen = (signal?: AbortSignal): void => {
    throwIfAborted(signal)
    throwIfAborted(closing.signal)
  }

  return {
    get control() {
      return { version: 1 as const, entries: [...entries.values()] }
    },
    shell: channelShell({ lane: main, sandbox, clock, random }),
    async start(line, spawn) {
      const { signal, pty } = spawn
      checkOpen(signal)
      if (pty && !sandbox.pty) throw execErrors.unsupported('pty', 'Use a provider with terminals, or run without one.')
      const prepared = await prepare(context, line, spawn, { stdin: spawn.stdin === 'open' ? 'live' : 'none', inlineBytes: 0 })
      if (pty) return startOnTerminal(context, prepared, line, pty, spawn)
      checkOpen(signal)
      const operation = begin(prepared)
      const settled = operation.outcome.then(() => undefined)
      // Both are awaited below; whichever comes second must not go unhandled.
      settled.catch(() => undefined)
      const started = prepared.lane.live ? operation.started : untilClaimed(context, operation, settled)
      // As above.
      started.catch(() => undefined)
      await (signal ? orKilled(context, operation, started, signal) : started)
      return commandHandle(context, operation, signal)
    },
    async exec(line, run) {
      const { signal, maxOutputBytes = MAX_OUTPUT } = run
      checkOpen(signal)
      const stdin = typeof run.stdin === 'string' ? Buffer.from(run.stdin, 'utf8') : run.stdin
      const since = clock.monotonic()
      const prepared = await prepare(context, line, run, { stdin: stdin && stdin.length > 0 ? stdin : 'none', inlineBytes: INLINE_BYTES })
      checkOpen(signal)
      const operation = begin(prepared)
      return finish(context, operation, since, maxOutputBytes, signal)
    },
    async attach(opId) {
      checkOpen()
      const name = receiptName(opId)
      for (const user of new Set([undefined, ...entries.keys()])) {
        const way = await lane(user)
        if (!(await readReceipt(way, opId, name))) continue
        const receipt = await readClaimed(way, opId, name, clock, closing.signal)
        if (receipt.claim.kind === 'pty') throw execErrors.lost(opId, 'it ran on a terminal, which is not joined again')
        if (receipt.state === 'dead') throw execErrors.lost(opId, 'it ended without a status, or with an earlier life of the sandbox')
        const operation = joinOperation(context, way, receipt.claim, name)
        watch.wake()
        return commandHandle(context, operation, undefined)
      }
      throw execErrors.lost(opId, 'it has no receipt', { effect: 'none', receipt: 'missing' })
    },
    running: () => [...context.running].map(({ opId }) => opId),
    async forget(opIds) {
      if (opIds.length === 0) return
      const names = opIds.map(receiptName)
      for (const opening of lanes.values())
        for (let at = 0; at < names.length; at += FORGET_AT_ONCE) {
          const answer = await (await opening).call({ text: requests.forget(names.slice(at, at + FORGET_AT_ONCE)) }, 'always')
          if (answer.kind !== 'done') throw execErrors.channel(answer)
        }
    },
    async raiseEpoch(next) {
      checkOpen()
      if (next < epoch) throw execErrors.fenced(next, String(epoch))
      for (const opening of lanes.values()) await (await opening).raise(next)
      epoch = next
    },
    async close() {
      if (closing.signal.aborted) return
      closing.abort(new RingfenceError('sandbox.closed', 'The workspace was closed', { operation: 'exec' }))
      const open = await Promise.allSettled(lanes.values())
      await Promise.all(open.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)))
    },
  }
}

async function finish(
  context: ExecContext,
  operation: Operation,
  since: number,
  maxOutputBytes: number,
  signal: AbortSignal | undefined,
): Promise<ExecResult> {
  const outcome = await untilEnd(context, operation, signal)
  const inline = operation.inline()
  const small = inline?.every(({ length }) => length < INLINE_BYTES && length <= operation.maxSpoolBytes)
  if (!small) await checkLimit(operation, outcome)
  const stop = signal ?? context.closing
  const stdout = await collect(operation, 0, maxOutputBytes, context.redact, stop)
  const stderr = await collect(operation, 1, maxOutputBytes, context.redact, stop)
  return {
    opId: operation.opId,
    ...exitOf(outcome),
    stdout: stdout.text,
    stderr: stderr.text,
    truncated: stdout.truncated || stderr.truncated,
    durationMs: context.clock.monotonic() - since,
  }
}
