import { abortable } from '@ringfence/core'
import type { Sandbox as VendorSandbox } from 'e2b'
import type { Client } from './client.ts'
import { type Deferred, deferred } from './deferred.ts'
import { errors } from './errors.ts'
import { type ProcessClient, processClientOf } from './rpc.ts'

/** An open process of a handle. */
export interface OpenStream {
  /** Whether it can be stopped for a moment with all that it started: what another user runs cannot. */
  readonly canStop: boolean
  /** Reads on, also when nobody asks, until the hold is over: what was said before it must not be lost with the connection. */
  drain(): void
  /** Connects anew to the process. */
  reopen(): Promise<void>
  end(error: unknown): void
}

/** A handle on a sandbox: its connections, and whether they are held. */
export interface Link {
  readonly client: Client
  readonly id: string
  readonly rpc: ProcessClient
  readonly streams: Set<OpenStream>
  /** Processes that are being started. */
  readonly starting: Set<Promise<unknown>>
  /** There while the processes stand still, and their connections may be cut by the vendor. */
  hold: Deferred<void> | undefined
  /** The last of what stops the sandbox or lets it go on: one after the other. */
  turn: Promise<unknown>
  isClosed: boolean
}

export function linkOf(client: Client, sandbox: VendorSandbox): Link {
  const rpc = processClientOf(sandbox)
  return {
    client,
    id: sandbox.sandboxId,
    rpc,
    streams: new Set(),
    starting: new Set(),
    hold: undefined,
    turn: Promise.resolve(),
    isClosed: false,
  }
}

export function checkOpen(link: Link, operation: string): void {
  if (link.isClosed) throw errors.closed(operation, link.id)
}

/** Waits until the sandbox is not held any more. */
export async function whenAwake(link: Link, operation: string, signal?: AbortSignal): Promise<void> {
  while (link.hold && !link.isClosed) await abortable(link.hold.promise, signal)
  checkOpen(link, operation)
}

/** Ends all connections of a handle, and whatever waits for its sandbox to go on. */
export function closeLink(link: Link, error: unknown): void {
  link.isClosed = true
  for (const stream of [...link.streams]) stream.end(error)
  link.hold?.resolve()
}

export const holdOf = (): Deferred<void> => deferred<void>()

/** Does what stops the sandbox or lets it go on, after what was asked for before. */
export function inTurn<T>(link: Link, operation: string, work: () => Promise<T>): Promise<T> {
  const next = link.turn.then(() => {
    checkOpen(link, operation)
    return work()
  })
  // Who asked hears of a failure; what comes after it does not depend on it.
  link.turn = next.catch(() => undefined)
  return next
}
