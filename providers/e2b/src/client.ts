import { abortable, type RuntimeContext, throwIfAborted } from '@ringfence/core'
import type { ConnectionOpts, Sandbox as VendorSandbox } from 'e2b'
import { CODE, errors, failureOf, late, mapped } from './errors.ts'
import { keyOf, type Settings } from './options.ts'

/** The SDK, and how it reaches the service. */
export interface Client {
  readonly sdk: typeof VendorSandbox
  readonly connection: ConnectionOpts
  readonly settings: Settings
  readonly context: RuntimeContext
}

/** What a call is for. */
export interface Purpose {
  readonly operation: string
  /** The sandbox that it is about. */
  readonly id?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** What a call may have done whose answer was lost; `none` for one that reads. Default `unknown`. */
  readonly effect?: 'none' | 'unknown' | undefined
  /** Default: that of the settings. */
  readonly deadlineMs?: number | undefined
}

/** How much longer than the SDK this provider waits: the SDK tells more of what it waited for. */
const GRACE_MS = 1000

/** Loads the SDK at its first use. Throws `auth.missing` before anything is sent. */
export async function openClient(settings: Settings, operation: string, context: RuntimeContext): Promise<Client> {
  const apiKey = await keyOf(settings, operation)
  const { Sandbox } = await import('e2b')
  const { domain, sdk } = settings
  // With E2B_DEBUG the SDK would make believe that there are sandboxes.
  const connection = {
    ...sdk,
    debug: false,
    apiKey,
    requestTimeoutMs: settings.requestTimeoutMs,
    ...(domain === undefined ? {} : { domain }),
  }
  return { sdk: Sandbox, connection, settings, context }
}

/** Makes a call under a deadline and the signal of the caller. Whatever fails is an error of this provider. */
export async function ask<T>(client: Client, purpose: Purpose, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { operation, id, signal, effect, deadlineMs = client.settings.requestTimeoutMs } = purpose
  throwIfAborted(signal)
  const stop = new AbortController()
  const answered = new AbortController()
  const onAbort = (): void => stop.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  client.context.clock.sleep(deadlineMs + GRACE_MS, { signal: answered.signal, unref: true }).then(
    () => stop.abort(late(operation, deadlineMs, effect)),
    // It answered in time, and the timer ended with it.
    () => undefined,
  )
  try {
    return await abortable(call(stop.signal), stop.signal)
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason
    throw mapped(operation, error, id, effect)
  } finally {
    answered.abort()
    signal?.removeEventListener('abort', onAbort)
  }
}

/** The options of a call to the SDK about one sandbox. It has no time of its own beyond that of `ask`. */
export const callOptions = ({ connection }: Client, signal: AbortSignal): ConnectionOpts => ({ ...connection, signal })

/** What a cut or refused connection to a sandbox means: only the service knows whether it is still there. */
export async function cutReason(client: Client, operation: string, id: string, cause: unknown): Promise<unknown> {
  const { code, status } = failureOf(cause)
  const isTold = code === CODE.unauthenticated || code === CODE.invalidArgument || status === 429
  if (isTold) return mapped(operation, cause, id)
  try {
    const { state } = await ask(client, { operation, id }, (signal) => client.sdk.getInfo(id, callOptions(client, signal)))
    if (state === 'paused') return errors.failed(operation, `The sandbox "${id}" is paused`, cause)
  } catch (error) {
    // That it is gone says more than how its connection ended; any other error says less.
    if (fromGone(error)) return error
  }
  return mapped(operation, cause)
}

const fromGone = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'sandbox.gone'
