import { type Profile, type Provider, RingfenceError, type SandboxState, type SnapshotStore, type WorkspaceHandle } from '@ringfence/core'
import type { OpenWorkspaceOptions, SnapshotRef, Workspace, WorkspaceState } from '@ringfence/workspace'
import type { OpenWorkspace } from '../../src/index.ts'
import { type FakeSandbox, fakeCommands, fakeSandbox, type RanCommand } from './fake-commands.ts'

const profile: Profile = {
  name: 'fake',
  facets: { lifetime: 'never', pty: 'never', snapshot: 'never', suspend: 'never' },
  wire: {
    output: 'bytes',
    delivery: 'live',
    stdin: 'live',
    kill: 'none',
    user: true,
    start: 'once',
    maxArgvBytes: 1000,
    pids: 'shared',
    openChannel: 'free',
  },
  isolation: 'process',
  egress: { tier: 'block', enforcedBy: 'nothing', open: false },
  limits: [],
  user: 'root',
  find: 'name',
  maxLifetimeMs: null,
  persistence: 'files',
  coldStart: { ms: 0, source: 'none', date: '2025-01-01' },
}

/** Sandboxes that outlive the runs that use them: what the world outside of a process remembers. */
export interface FakeSandboxes {
  readonly provider: Provider
  readonly snapshots: SnapshotStore
  readonly openWorkspace: OpenWorkspace
  readonly sandboxes: Map<string, FakeSandbox>
  /** Each opening, with what it was asked for. */
  readonly opened: OpenWorkspaceOptions[]
  /** Commands that really ran, with their options as the workspace got them. */
  readonly commands: RanCommand[]
  /** Ends of sandboxes that nobody was attached to. */
  readonly ended: string[]
  /** Ends a sandbox from outside. */
  kill(id: string): void
  readonly handles: () => number
}

const unused = (): never => {
  throw new RingfenceError('internal.invariant', 'The test does not need this')
}

const store: SnapshotStore = {
  specificationVersion: 'snapshot-store-v1',
  name: 'fake',
  has: async () => unused(),
  put: async () => unused(),
  get: () => unused(),
  delete: async () => unused(),
  list: () => unused(),
  getRef: async () => unused(),
  setRef: async () => unused(),
}

/** A command `append X` writes a line to the log of the sandbox and prints the log. One id runs once. */
export function fakeSandboxes(): FakeSandboxes {
  const sandboxes = new Map<string, FakeSandbox>()
  const saved = new Map<string, readonly string[]>()
  const opened: OpenWorkspaceOptions[] = []
  const commands: RanCommand[] = []
  const ended: string[] = []
  let handles = 0

  const stateOf = (id: string): SandboxState => ({ provider: 'fake', id, data: {} })
  const provider: Provider = {
    specificationVersion: 'provider-v1',
    profile,
    resolve: () => profile,
    create: async () => unused(),
    async resume(state) {
      const sandbox = sandboxes.get(state.id)
      if (!sandbox?.isAlive) throw new RingfenceError('sandbox.gone', `"${state.id}" is gone`)
      return {
        state,
        info: { id: state.id, workspace: '/workspace' },
        profile,
        spawn: async () => unused(),
        release: async () => undefined,
        async destroy() {
          ended.push(state.id)
          sandbox.isAlive = false
        },
      }
    },
    async find({ runId, intentId }) {
      const id = `${runId}-${intentId}`
      return sandboxes.get(id)?.isAlive ? stateOf(id) : undefined
    },
  }

  const workspaceOf = (sandbox: FakeSandbox, runId: string, known: WorkspaceState['control']['entries'] = []): Workspace => {
    let isOpen = true
    handles += 1
    const check = (): void => {
      if (!isOpen) throw new RingfenceError('sandbox.closed', 'closed')
      if (!sandbox.isAlive) throw new RingfenceError('sandbox.gone', `"${sandbox.id}" is gone`)
    }
    const inside = fakeCommands(sandbox, known, check, commands)
    const handle: WorkspaceHandle = {
      root: '/workspace',
      provider: 'fake',
      hasPty: false,
      exec: inside.exec,
      spawn: inside.spawn,
      attach: inside.attach,
      readFile: async () => unused(),
      readText: async () => unused(),
      readStream: () => unused(),
      writeFile: async () => unused(),
      list: async () => unused(),
      stat: async () => unused(),
      remove: async () => unused(),
      mkdir: async () => unused(),
      rename: async () => unused(),
    }
    const close = (): void => {
      if (isOpen) handles -= 1
      isOpen = false
    }
    const destroy = async (): Promise<void> => {
      close()
      sandbox.isAlive = false
    }
    return {
      ...handle,
      get state(): WorkspaceState {
        return { version: 1, runId, sandbox: stateOf(sandbox.id), control: { version: 1, entries: [...inside.entries] }, ephemeral: [] }
      },
      sandboxId: sandbox.id,
      isolation: 'process',
      diff: async () => unused(),
      async snapshot(): Promise<SnapshotRef> {
        check()
        const id = String(saved.size + 1).padStart(64, '0')
        saved.set(id, [...sandbox.log])
        return { format: 'tar-1', id, treeDigest: id, roots: ['.'], excludes: [], complete: true } as SnapshotRef
      },
      fork: async () => unused(),
      nativeSnapshot: async () => unused(),
      port: async () => unused(),
      pause: async () => unused(),
      resume: async () => unused(),
      forget: inside.forget,
      redact: (text) => text,
      redactJson: (value) => value,
      restricted: () => Object.freeze({ ...handle }),
      release: async () => close(),
      destroy,
      [Symbol.asyncDispose]: destroy,
    }
  }

  return {
    provider,
    snapshots: store,
    sandboxes,
    opened,
    commands,
    ended,
    handles: () => handles,
    kill(id) {
      const sandbox = sandboxes.get(id)
      if (sandbox) sandbox.isAlive = false
    },
    async openWorkspace(options) {
      opened.push(options)
      const runId = options.runId ?? 'none'
      if (options.resume) {
        const sandbox = sandboxes.get(options.resume.sandbox.id)
        if (!sandbox?.isAlive) throw new RingfenceError('sandbox.gone', `"${options.resume.sandbox.id}" is gone`)
        return workspaceOf(sandbox, runId, options.resume.control.entries)
      }
      // One intent is one sandbox, however often it is asked for.
      const id = `${runId}-${options.intentId}`
      const sandbox = sandboxes.get(id) ?? fakeSandbox(id, saved.get(options.from?.id ?? ''))
      sandboxes.set(id, sandbox)
      return workspaceOf(sandbox, runId)
    },
  }
}
