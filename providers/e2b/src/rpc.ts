import type { Sandbox as VendorSandbox } from 'e2b'
import { errors } from './errors.ts'

/** An event of a process, as the SDK decodes it. */
export type ProcessEvent =
  | { readonly case: 'start'; readonly value: { readonly pid: number } }
  | {
      readonly case: 'data'
      readonly value: { readonly output: { readonly case?: string | undefined; readonly value?: Uint8Array | undefined } }
    }
  | { readonly case: 'end'; readonly value: { readonly exitCode: number; readonly exited: boolean; readonly status: string } }
  | { readonly case: 'keepalive' }
  | { readonly case: undefined }

export type ProcessEvents = AsyncIterable<{ readonly event?: { readonly event: ProcessEvent } | undefined }>

export interface CallOptions {
  readonly signal: AbortSignal
  readonly headers?: Readonly<Record<string, string>> | undefined
}

interface Selector {
  readonly selector: { readonly case: 'pid'; readonly value: number }
}

interface Size {
  readonly size: { readonly cols: number; readonly rows: number }
}

export interface StartMessage {
  readonly process: {
    readonly cmd: string
    readonly args: readonly string[]
    readonly cwd: string
    readonly envs?: Readonly<Record<string, string>>
  }
  readonly stdin?: boolean
  readonly pty?: Size
}

/**
 * The raw client of processes. The SDK's own commands decode output as text, which is not byte-exact, and put every command
 * through a login shell; below them the bytes and the arguments are as they are.
 */
export interface ProcessClient {
  start(message: StartMessage, options: CallOptions): ProcessEvents
  connect(message: { readonly process: Selector }, options: CallOptions): ProcessEvents
  sendInput(
    message: {
      readonly process: Selector
      readonly input: { readonly input: { readonly case: 'stdin' | 'pty'; readonly value: Uint8Array } }
    },
    options: CallOptions,
  ): Promise<unknown>
  closeStdin(message: { readonly process: Selector }, options: CallOptions): Promise<unknown>
  update(message: { readonly process: Selector; readonly pty: Size }, options: CallOptions): Promise<unknown>
}

const NEEDED = ['start', 'connect', 'sendInput', 'closeStdin', 'update']

function isProcessClient(value: unknown): value is ProcessClient {
  return typeof value === 'object' && value !== null && NEEDED.every((name) => typeof Reflect.get(value, name) === 'function')
}

/** The raw client below the commands of a sandbox. */
export function processClientOf({ commands }: VendorSandbox): ProcessClient {
  const rpc: unknown = Reflect.get(commands, 'rpc')
  if (!isProcessClient(rpc))
    throw errors.failed('sandbox.create', 'The SDK of E2B has no raw client of processes: this version is not known')
  return rpc
}

export const selectorOf = (pid: number): Selector => ({ selector: { case: 'pid', value: pid } })

/** How a user is named, and how often a silent stream shows that it lives, in seconds. */
export const headersOf = (user: string | undefined): Record<string, string> => ({
  'Keepalive-Ping-Interval': '50',
  ...(user === undefined ? {} : { Authorization: `Basic ${Buffer.from(`${user}:`).toString('base64')}` }),
})
