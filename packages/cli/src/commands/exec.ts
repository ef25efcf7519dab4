import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'
import { abortable } from '@ringfence/core'
import { openWorkspace } from '@ringfence/workspace'
import { type CommandContext, type ProviderOptions, policyOf, providerOf } from './context.ts'
import { manifestOf } from './repository.ts'

export interface ExecOptions extends ProviderOptions {
  readonly repo?: string
  readonly openNetwork?: boolean
  readonly timeout?: number
}

/** As `timeout` of coreutils has it. */
const TIMED_OUT = 124

interface Exit {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly timedOut: boolean
}

/** The exit code as a shell says it. */
export function shellCode({ exitCode, signal, timedOut }: Exit): number {
  if (timedOut) return TIMED_OUT
  if (exitCode !== null) return exitCode
  const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1]
  return 128 + (number ?? constants.signals.SIGKILL)
}

type Writer = (fd: 1 | 2, bytes: Uint8Array) => Promise<void>

/** Bytes as they are; whoever reads slowly makes the command wait. */
function rawWriter({ signal }: CommandContext): Writer {
  const streams = { 1: process.stdout, 2: process.stderr }
  return async (fd, bytes) => {
    if (!streams[fd].write(bytes)) await abortable(new Promise<void>((resolve) => streams[fd].once('drain', resolve)), signal)
  }
}

/** Text in events. A character may come in two pieces. */
function jsonWriter({ screen }: CommandContext): Writer {
  const decoders = { 1: new StringDecoder('utf8'), 2: new StringDecoder('utf8') }
  return async (fd, bytes) => screen.event({ type: 'output', fd, text: decoders[fd].write(Buffer.from(bytes)) })
}

/** Runs one command in a sandbox of its own, and passes on its output and its exit code. */
export async function execCommand(words: readonly string[], options: ExecOptions, context: CommandContext): Promise<number> {
  const { signal, screen, cwd } = context
  const { repo, timeout } = options
  const manifest = manifestOf(repo, cwd)
  const sandbox = await providerOf(options, context)
  await using workspace = await openWorkspace({ sandbox, policy: policyOf(options), manifest, signal })
  const command = await workspace.spawn(words.length === 1 ? (words[0] ?? '') : words, {
    cwd: repo === undefined ? '.' : 'repo',
    signal,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
  })
  const write = screen.json ? jsonWriter(context) : rawWriter(context)
  for await (const { fd, bytes } of command.output) await write(fd, bytes)
  const exit = await command.exit
  if (exit.timedOut) screen.warn(`killed after ${timeout} s: --timeout`)
  screen.event({ type: 'exit', exitCode: exit.exitCode, signal: exit.signal, timedOut: exit.timedOut })
  return shellCode(exit)
}
