import { posix } from 'node:path'
import { type CommandLine, type CommandOptions, RingfenceError } from '@ringfence/core'
import { quote } from '@ringfence/core/plugin'
import type { ExecContext } from '../context.ts'
import { execErrors } from '../errors.ts'
import type { Lane } from '../lane.ts'
import { checkEnv } from '../script/requests.ts'
import type { OperationSpec } from './operation.ts'
import { commandDigest, receiptName } from './receipt.ts'

/** What the engine takes beyond the options of an app. */
export interface EngineOptions extends CommandOptions {
  readonly opId: string
  /** Variables whose values never travel in argv or in a request. Needs live stdin. */
  readonly secretEnv?: Readonly<Record<string, string>> | undefined
}

export interface Prepared {
  readonly lane: Lane
  readonly spec: OperationSpec
  /** Files that were brought in for the command, to be removed after it. */
  readonly files: readonly string[]
}

const MAX_SPOOL = 2 ** 30
const MAX_TIMEOUT_MS = 2 ** 31

const invalid = (message: string, hint: string): RingfenceError =>
  new RingfenceError('config.invalid', message, { operation: 'exec', hint, effect: 'none' })

/**
 * Checks a command before anything is done, and brings in what does not fit into a request.
 *
 * @throws `config.invalid`, `feature.unsupported`, and what opening a lane throws.
 */
export async function prepare(
  context: ExecContext,
  line: CommandLine,
  options: EngineOptions,
  io: { readonly stdin: 'none' | 'live' | Uint8Array; readonly inlineBytes: number },
): Promise<Prepared> {
  const { opId, user, timeoutMs, maxSpoolBytes = MAX_SPOOL } = options
  const name = receiptName(opId)
  checkLine(line)
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw invalid(`The deadline "${timeoutMs}" is not possible`, `Give 1 to ${MAX_TIMEOUT_MS} milliseconds.`)
  if (!Number.isSafeInteger(maxSpoolBytes) || maxSpoolBytes < 1)
    throw invalid(`"${maxSpoolBytes}" is no number of bytes`, 'Give 1 or more.')
  const env = options.env ?? {}
  const secretEnv = options.secretEnv ?? {}
  checkEnv(env)
  checkEnv(secretEnv)
  const secrets = Object.entries(secretEnv)
  const { wire } = context.sandbox.profile
  if (user !== undefined && !wire.user) throw execErrors.unsupported('user', 'Commands run as the one user of this sandbox.')
  if (secrets.length > 0 && wire.stdin !== 'live')
    throw execErrors.unsupported('secret variables', 'They need live stdin; use a provider that has it, or do without.')
  const cwd = posix.resolve(context.sandbox.info.workspace, options.cwd ?? '.')
  const names = [...new Set([...Object.keys(context.env), ...Object.keys(env), ...Object.keys(secretEnv)])]
  const digest = commandDigest(line, cwd, user, names)

  const lane = await context.lane(user)
  const envFile = secrets.length > 0 ? await lane.stage(exportsOf(secretEnv)) : undefined
  const staged = io.stdin instanceof Uint8Array && io.stdin.length > lane.pieceBytes ? await lane.stage(io.stdin) : undefined
  const { inlineBytes } = io
  const stdin = staged ?? io.stdin
  const spec = { opId, name, digest, line, cwd, env, envFile, stdin, timeoutMs, maxSpoolBytes, inlineBytes }
  return { lane, spec, files: staged === undefined ? [] : [staged] }
}

/** A file that a shell sources. */
export function exportsOf(env: Readonly<Record<string, string>>): Uint8Array {
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`)
  return Buffer.from(lines.join(''), 'utf8')
}

/** Refuses what no process can be given. */
function checkLine(line: CommandLine): void {
  const words = typeof line === 'string' ? [line] : line
  if (words.length === 0 || words[0] === '')
    throw invalid('The command is empty', 'Give a command for `sh -c`, or a program and its arguments.')
  const bad = words.find((word) => word.includes('\0'))
  if (bad !== undefined)
    throw invalid(`The command ${JSON.stringify(bad.slice(0, 200))} holds a NUL`, 'No argument of a process can hold one.')
}
