import type { ConnectionOpts, SandboxInfo, Sandbox as VendorSandbox } from 'e2b'
import { ask, type Client, callOptions } from './client.ts'

/** Until when the sandboxes may live that this process has paused, in milliseconds since 1970. */
export type Paused = Map<string, number>

/** Every call to the service that is no call into a sandbox. */
export interface Control {
  /** @throws `sandbox.gone` when there is no such sandbox, as all calls about one. */
  info(operation: string, id: string, signal?: AbortSignal): Promise<SandboxInfo>
  /** All sandboxes with these metadata, oldest first. */
  list(operation: string, metadata: Readonly<Record<string, string>>, isPaused?: boolean, signal?: AbortSignal): Promise<readonly Found[]>
  /** Attaches to a sandbox, which goes on when it is paused. Lets it live this long from now on, or longer. */
  connect(operation: string, id: string, lifetimeMs: number, signal?: AbortSignal): Promise<VendorSandbox>
  setTimeout(operation: string, id: string, ms: number): Promise<void>
  pause(operation: string, id: string): Promise<void>
  /** Ends a sandbox; one that is not there is no error. */
  kill(operation: string, id: string): Promise<void>
  snapshot(operation: string, id: string, name: string): Promise<string>
  /** The snapshots of a sandbox: their ids and names. */
  snapshots(operation: string, source: string): Promise<readonly { readonly snapshotId: string; readonly names: readonly string[] }[]>
  deleteSnapshot(operation: string, id: string): Promise<void>
}

export type Found = Pick<SandboxInfo, 'sandboxId' | 'startedAt' | 'endAt' | 'state' | 'metadata'>

/** A snapshot is written while its call waits. */
const SNAPSHOT_MS = 600_000
/** Seconds are the unit of the vendor. What is nearly over ends now. */
const LEAST_MS = 1000

export function controlOf(client: Client): Control {
  const { sdk } = client
  type Call<T> = (options: ConnectionOpts) => Promise<T>
  const about = <T>(operation: string, id: string | undefined, call: Call<T>, signal?: AbortSignal): Promise<T> =>
    ask(client, { operation, id, signal }, (stop) => call(callOptions(client, stop)))
  const read = <T>(operation: string, id: string | undefined, call: Call<T>, signal?: AbortSignal): Promise<T> =>
    ask(client, { operation, id, signal, effect: 'none' }, (stop) => call(callOptions(client, stop)))
  /** Pauses and snapshots take as long as there is memory to write. */
  const long = <T>(operation: string, id: string, call: (options: ConnectionOpts) => Promise<T>): Promise<T> => {
    const deadlineMs = Math.max(SNAPSHOT_MS, client.settings.requestTimeoutMs)
    const isShort = client.settings.sdk.requestTimeoutMs !== undefined
    return ask(client, { operation, id, ...(isShort ? {} : { deadlineMs }) }, (stop) =>
      call({ ...callOptions(client, stop), ...(isShort ? {} : { requestTimeoutMs: deadlineMs }) }),
    )
  }
  const pages = async <T>(
    operation: string,
    pager: { readonly hasNext: boolean; nextItems(options: ConnectionOpts): Promise<T[]> },
    signal?: AbortSignal,
  ) => {
    const all: T[] = []
    while (pager.hasNext) all.push(...(await read(operation, undefined, (options) => pager.nextItems(options), signal)))
    return all
  }
  return {
    info: (operation, id, signal) => read(operation, id, (options) => sdk.getInfo(id, options), signal),
    async list(operation, metadata, isPaused = false, signal = undefined) {
      const query = { metadata: { ...metadata }, ...(isPaused ? { state: ['paused' as const] } : {}) }
      const all: Found[] = await pages(operation, sdk.list({ ...client.connection, query }), signal)
      const order = (one: Found, two: Found): number =>
        one.startedAt.getTime() - two.startedAt.getTime() || (one.sandboxId < two.sandboxId ? -1 : 1)
      return all.filter((one) => Object.entries(metadata).every(([key, value]) => one.metadata[key] === value)).sort(order)
    },
    connect: (operation, id, lifetimeMs, signal) =>
      about(operation, id, (options) => sdk.connect(id, { ...options, timeoutMs: Math.max(LEAST_MS, lifetimeMs) }), signal),
    setTimeout: (operation, id, ms) => about(operation, id, (options) => sdk.setTimeout(id, ms, options)),
    pause: async (operation, id) => void (await long(operation, id, (options) => sdk.pause(id, options))),
    kill: async (operation, id) => void (await about(operation, undefined, (options) => sdk.kill(id, options))),
    snapshot: async (operation, id, name) =>
      (await long(operation, id, (options) => sdk.createSnapshot(id, { ...options, name }))).snapshotId,
    snapshots: (operation, source) => pages(operation, sdk.listSnapshots({ ...client.connection, sandboxId: source })),
    deleteSnapshot: async (operation, id) => void (await about(operation, undefined, (options) => sdk.deleteSnapshot(id, options))),
  }
}
