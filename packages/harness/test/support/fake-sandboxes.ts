import { type ExecResult, type Profile, type Provider, RingfenceError, type SnapshotStore, type WorkspaceHandle } from '@ringfence/core'
import type { OpenWorkspaceOptions, SnapshotRef, Workspace } from '@ringfence/workspace'
import type { OpenWorkspace } from '../../src/index.ts'

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

interface Sandbox {
  readonly id: string
  readonly log: string[]
  readonly receipts: Map<string, string>
  isAlive: boolean
}

/** Sandboxes that outlive the runs that use them: what the world outside of a process remembers. */
export interface FakeSandboxes {
  readonly provider: Provider
  readonly snapshots: SnapshotStore
  readonly openWorkspace: OpenWorkspace
  readonly sandboxes: Map<string, Sandbox>
  /** Each opening, with what it was asked for. */
  readonly opened: OpenWorkspaceOptions[]
  /** Commands that really ran, with their options as the workspace got them. */
  readonly commands: {
    readonly command: string
    readonly opId: string
    readonly cwd?: string | undefined
    readonly user?: string | undefined
  }[]
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

const provider: Provider = {
  specificationVersion: 'provider-v1',
  profile,
  resolve: () => profile,
  create: async () => unused(),
  resume: async () => unused(),
}

/** A command `append X` writes a line to the log of the sandbox and prints the log. One id runs once. */
export function fakeSandboxes(): FakeSandboxes {
  const sandboxes = new Map<string, Sandbox>()
  const saved = new Map<string, readonly string[]>()
  const opened: OpenWorkspaceOptions[] = []
  const commands: { command: string; opId: string; cwd?: string | undefined; user?: string | undefined }[] = []
  let handles = 0

  const workspaceOf = (sandbox: Sandbox, runId: string): Workspace => {
    let isOpen = true
    handles += 1
    const check = (): void => {
      if (!isOpen) throw new RingfenceError('sandbox.closed', 'closed')
      if (!sandbox.isAlive) throw new RingfenceError('sandbox.gone', `"${sandbox.id}" is gone`)
    }
    const handle: WorkspaceHandle = {
      root: '/workspace',
      provider: 'fake',
      hasPty: false,
      async exec(line, { opId = 'none', cwd, user } = {}): Promise<ExecResult> {
        check()
        const command = String(line)
        if (!sandbox.receipts.has(opId)) {
          commands.push({ command, opId, cwd, user })
          sandbox.log.push(command)
          sandbox.receipts.set(opId, sandbox.log.join(','))
        }
        const stdout = sandbox.receipts.get(opId) ?? ''
        return { opId, stdout, stderr: '', exitCode: 0, signal: null, timedOut: false, outputCut: false, truncated: false, durationMs: 1 }
      },
      spawn: async () => unused(),
      attach: async () => unused(),
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
      state: {
        version: 1,
        runId,
        sandbox: { provider: 'fake', id: sandbox.id, data: {} },
        control: { version: 1, entries: [] },
        ephemeral: [],
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
      forget: async () => undefined,
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
        return workspaceOf(sandbox, runId)
      }
      // One intent is one sandbox, however often it is asked for.
      const id = `${runId}-${options.intentId}`
      const sandbox = sandboxes.get(id) ?? { id, log: [...(saved.get(options.from?.id ?? '') ?? [])], receipts: new Map(), isAlive: true }
      sandboxes.set(id, sandbox)
      return workspaceOf(sandbox, runId)
    },
  }
}
