import { constants } from 'node:os'
import { type Clock, type CommandExit, sha256 } from '@ringfence/core'
import { describeError, isForModel } from '../define-tool.ts'
import type { Session } from './session.ts'
import { renderOutput, tokensOf } from './truncate-output.ts'

/** What a result tells beside the output. */
export interface ResultOptions {
  readonly clock: Clock
  /** `clock.monotonic()` when the call began. */
  readonly startedAt: number
  /** The key of the call; the chunk id is made from it. */
  readonly key: string
  /** There when the command goes on. */
  readonly sessionId: number | undefined
  readonly maxTokens: number
  readonly notes: readonly string[]
}

/**
 * The result of a call that ran or polled a command, in the words that models were trained on. Takes what the session
 * has gathered.
 *
 * @throws what ended the session, when it is not for the model.
 */
export function formatResult(session: Session, options: ResultOptions): string {
  const { clock, startedAt, key, sessionId, maxTokens, notes } = options
  const { exit, error } = session.end() ?? {}
  if (error !== undefined && !isForModel(error)) throw error
  const output = session.output.take()
  const all = [...notes]
  if (exit?.outputCut) all.push('The command printed more than the sandbox keeps; the rest was cut.')
  if (exit?.timedOut) all.push('The command was killed because its time was up.')
  if (error !== undefined)
    all.push(`${exit ? 'A part of the output is missing' : 'The command can be followed no more'}: ${describeError(error)}`)
  return [
    `Chunk ID: ${sha256(key).slice(0, 6)}`,
    `Wall time: ${((clock.monotonic() - startedAt) / 1000).toFixed(4)} seconds`,
    ...(exit ? [`Process exited with code ${exitCodeOf(exit)}`] : []),
    ...(sessionId === undefined ? [] : [`Process running with session ID ${sessionId}`]),
    ...all.map((note) => `Note: ${note}`),
    `Original token count: ${tokensOf(output.totalBytes)}`,
    'Output:',
    renderOutput(output, maxTokens),
  ].join('\n')
}

/** The exit code as a shell tells it: 128 and the number of the signal for one that was killed. */
function exitCodeOf({ exitCode, signal }: CommandExit): number {
  if (exitCode !== null) return exitCode
  const number = Object.entries(constants.signals).find(([name]) => name === signal)?.[1]
  return 128 + (number ?? 0)
}
