import type { CommandLine } from '@ringfence/core'
import { type CommandExit, digestOf, RingfenceError, sha256 } from '@ringfence/core'

/** Linux's numbers, which are what a sandbox has, whatever the host is. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  16: 'SIGSTKFLT',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
}

/** How a command ended, as its receipt tells. */
export interface Outcome extends Omit<CommandExit, 'outputCut'> {
  /** It was killed because its output passed the limit. */
  readonly limited: boolean
  /** Bytes of stdout and stderr at its end; `undefined`: some, not counted. */
  readonly bytes: readonly [number | undefined, number | undefined]
}

/** What a claim pins. */
export interface Claim {
  readonly digest: string
  readonly boot: string
  readonly maxSpoolBytes: number
  /** `live`: its stdin is a FIFO; `pty`: it runs on a terminal, and has no spool. */
  readonly kind: 'plain' | 'live' | 'pty'
  readonly opId: string
}

/** What a receipt tells. */
export type Receipt =
  | { readonly state: 'running' | 'dead'; readonly claim: Claim }
  | { readonly state: 'ended'; readonly claim: Claim; readonly outcome: Outcome }
  /** Claimed a moment ago, and not written to its end. */
  | { readonly state: 'claimed' }

const OP_ID = /^[A-Za-z0-9._:/@+-]{1,256}$/

/**
 * The flat name of the receipt of an operation.
 *
 * @throws `config.invalid` for an id that is not path-safe.
 */
export function receiptName(opId: string): string {
  if (!OP_ID.test(opId))
    throw new RingfenceError('config.invalid', `The id of an operation ${JSON.stringify(opId.slice(0, 300))} is not valid`, {
      hint: 'Use 1 to 256 letters, digits and ". _ : / @ + -".',
      effect: 'none',
    })
  return sha256(opId).slice(0, 32)
}

/** Pins what a command is: argv, working directory, user and the names of its variables, never their values. */
export function commandDigest(line: CommandLine, cwd: string, user: string | undefined, names: readonly string[]): string {
  return digestOf({ line, cwd, user: user ?? null, names: [...names].sort() })
}

/** The claim as one line. */
export function formatClaim({ digest, boot, maxSpoolBytes, kind, opId }: Claim): string {
  return `1 ${digest} ${boot} ${maxSpoolBytes} ${kind} ${opId}`
}

const CLAIM = /^1 ([0-9a-f]{64}) (\S{1,80}) (\d{1,16}) (plain|live|pty) (\S{1,256})$/

function parseClaim(text: string): Claim | undefined {
  const match = CLAIM.exec(text)
  if (!match) return undefined
  const [, digest = '', boot = '', max = '', kind, opId = ''] = match
  return { digest, boot, maxSpoolBytes: Number(max), kind: kind === 'live' || kind === 'pty' ? kind : 'plain', opId }
}

const count = (word: string | undefined): number | undefined | null => {
  if (word === '+') return undefined
  return word !== undefined && /^\d{1,16}$/.test(word) ? Number(word) : null
}

/** Reads the words of a status: code, what the shell said of it, bytes of both streams, who killed it. */
export function parseOutcome([code, said, out, err, killer]: readonly string[]): Outcome | undefined {
  const status = count(code)
  const bytes = [count(out), count(err)] as const
  if (typeof status !== 'number' || status > 255 || bytes[0] === null || bytes[1] === null) return undefined
  if ((said !== '0' && said !== '1') || !killer || !['-', 'T', 'L', 'K'].includes(killer)) return undefined
  // A shell tells a signal and a code above 128 alike; what sets them apart is what it says, or that we killed it.
  const signal = status > 128 && (said === '1' || killer !== '-') ? SIGNALS[status - 128] : undefined
  return {
    exitCode: signal === undefined ? status : null,
    signal: signal ?? null,
    timedOut: killer === 'T',
    limited: killer === 'L',
    bytes: [bytes[0], bytes[1]],
  }
}

/** Reads the answer of `rf_read`: a state, five words of status, the claim. `undefined` for what is none. */
export function parseReceipt(words: readonly string[], opId: string): Receipt | undefined {
  const [state] = words
  if (state === 'c') return { state: 'claimed' }
  const claim = parseClaim(words.slice(6).join(' '))
  if (!claim || claim.opId !== opId) return undefined
  if (state === 'r' || state === 'd') return { state: state === 'r' ? 'running' : 'dead', claim }
  const outcome = state === 'x' ? parseOutcome(words.slice(1, 6)) : undefined
  return outcome && { state: 'ended', claim, outcome }
}
