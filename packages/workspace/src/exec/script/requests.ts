import { RingfenceError } from '@ringfence/core'
import { quote, quoteAll } from '@ringfence/core/plugin'
import { printfFormat } from '../../shell/printf-format.ts'

/** A request as shell text, for the sequence number that it gets. */
export type RequestText = (sequence: number) => string

/** All that one start of a command needs. */
export interface RunRequest {
  /** The flat name of its receipt. */
  readonly name: string
  /** The rest of the claim line; of characters that need no quoting by the reader. */
  readonly claim: string
  /** Absolute. */
  readonly cwd: string
  /** `none`, live through a FIFO, the bytes, or the path of a file inside. */
  readonly stdin: 'none' | 'live' | Uint8Array | string
  /** Whether the streams go through pipes instead of straight into files. */
  readonly piped: boolean
  /** Bytes of each stream that come back with the end; 0: none, and the sizes are counted instead. */
  readonly inlineBytes: number
  readonly timeoutMs: number | undefined
  readonly graceMs: number
  readonly env: Readonly<Record<string, string>>
  /** The path of a file inside with further variables, that is sourced and removed. */
  readonly envFile: string | undefined
  /** The PATH of the command, where it is set anew: the program is looked up in it. */
  readonly path: string | undefined
  readonly line: string | readonly string[]
}

/** A command longer than this does not fit into one argument everywhere; it becomes a file. */
const MAX_ARGUMENT = 96 * 1024

/** The ticks of the script, of about 50 ms. */
const ticks = (ms: number): number => Math.ceil(ms / 50)

const seconds = (ms: number): string => (ms / 1000).toFixed(3)

/** Starts a command. */
export function runRequest(run: RunRequest): RequestText {
  const { stdin, line } = run
  const long = typeof line === 'string' && Buffer.byteLength(line) > MAX_ARGUMENT
  const given = stdin instanceof Uint8Array ? `rf_given() { printf ${quote(printfFormat(stdin))}; }\n` : ''
  const text = long ? `rf_long() { printf '%s' ${quote(line)}; }\n` : ''
  const input = stdin instanceof Uint8Array ? '+' : stdin === 'none' ? '-' : stdin === 'live' ? '=' : quote(stdin)
  const vars = Object.entries(run.env).map(([name, value]) => quote(`${name}=${value}`))
  const command = typeof line !== 'string' ? quoteAll(line) : long ? '-' : `"$rf_SH" -c ${quote(line)} sh`
  const words = [
    run.name,
    quote(run.claim),
    quote(run.cwd),
    input,
    run.piped ? 'p' : 'f',
    run.inlineBytes,
    run.timeoutMs === undefined ? '-' : seconds(run.timeoutMs),
    ticks(run.graceMs),
    typeof line !== 'string' ? 'a' : long ? 'x' : 's',
    run.envFile === undefined ? '-' : quote(run.envFile),
    run.path === undefined ? '-' : quote(run.path),
    typeof line === 'string' ? '-' : quote(line[0] ?? ''),
    vars.length,
    ...vars,
    command,
  ]
  const tail = words.join(' ')
  return (sequence) => `${given}${text}rf_run ${sequence} ${tail}`
}

/** Where reading of a spool begins and how much is read, in blocks. */
export interface PollRange {
  readonly blockBytes: number
  readonly skip: readonly [number, number]
  readonly count: readonly [number, number]
}

export const requests = {
  read:
    (name: string): RequestText =>
    (q) =>
      `rf_read ${q} ${name}`,
  poll:
    (name: string, { blockBytes, skip, count }: PollRange): RequestText =>
    (q) =>
      `rf_poll ${q} ${name} ${blockBytes} ${skip[0]} ${count[0]} ${skip[1]} ${count[1]}`,
  size:
    (name: string): RequestText =>
    (q) =>
      `rf_size ${q} ${name}`,
  /** Signals once, or with `graceMs` ends the whole tree: SIGTERM, a wait, SIGKILL. */
  kill:
    (name: string, signal: string, graceMs?: number): RequestText =>
    (q) =>
      `rf_kill ${q} ${name} ${signal} ${graceMs === undefined ? '-' : ticks(graceMs)}`,
  /** Signals what carries a mark, without a receipt. */
  stop:
    (mark: string, signal: string): RequestText =>
    (q) =>
      `rf_stop ${q} ${mark} ${signal}`,
  watch:
    (name: string, maxBytes: number): RequestText =>
    (q) =>
      `rf_watch ${q} ${name} ${maxBytes}`,
  write:
    (name: string, bytes: Uint8Array): RequestText =>
    (q) =>
      `rf_given() { printf ${quote(printfFormat(bytes))}; }\nrf_write ${q} ${name}`,
  finish:
    (name: string): RequestText =>
    (q) =>
      `rf_finish ${q} ${name}`,
  put:
    (file: string, bytes: Uint8Array): RequestText =>
    (q) =>
      `rf_given() { printf ${quote(printfFormat(bytes))}; }\nrf_put ${q} ${file}`,
  forget:
    (names: readonly string[]): RequestText =>
    (q) =>
      `rf_forget ${q} ${names.join(' ')}`,
  /** A receipt of a command that the script does not start itself. */
  claim:
    (name: string, claim: string, cwd: string): RequestText =>
    (q) =>
      `rf_claim ${q} ${name} ${quote(claim)} ${quote(cwd)}`,
  drop:
    (files: readonly string[]): RequestText =>
    (q) =>
      `rf_drop ${q} ${files.join(' ')}`,
  raise:
    (epoch: number): RequestText =>
    (q) =>
      `rf_E=${epoch}\nrf_raise ${q} ${epoch}`,
  /** `rf_script` runs a text apart; `rf_routine` calls a routine in the process of the request; `rf_quick` calls one in any. */
  script(
    how: 'rf_script' | 'rf_routine' | 'rf_quick',
    mark: string,
    script: string,
    args: readonly string[],
    stdin: Uint8Array | string | undefined,
  ): RequestText {
    const call = quoteAll([mark, script, ...args])
    const before = stdin instanceof Uint8Array ? `printf ${quote(printfFormat(stdin))} | ` : ''
    const after = typeof stdin === 'string' ? ` <${quote(stdin)}` : stdin === undefined ? ' </dev/null' : ''
    return (q) => `${before}${how} ${q} ${call}${after}`
  },
} as const

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/**
 * Refuses names that no shell can export, and values that no environment can hold.
 *
 * @throws `config.invalid`
 */
export function checkEnv(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (!NAME.test(name) || name.startsWith('rf_') || value.includes('\0'))
      throw new RingfenceError('config.invalid', `The variable "${name}" cannot be set`, {
        hint: 'A name has letters, digits and "_", does not begin with a digit or "rf_", and a value holds no NUL.',
        effect: 'none',
      })
  }
}
