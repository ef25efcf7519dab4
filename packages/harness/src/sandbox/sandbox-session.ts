import { isRingfenceError, type Manifest, type Provider, RingfenceError, type RuntimeContext, type SnapshotStore } from '@ringfence/core'
import type { OpenWorkspaceOptions, SnapshotRef, Workspace } from '@ringfence/workspace'
import type { RunAudit } from '../audit/run-audit.ts'
import type { Step, StepBody } from '../journal/step.ts'
import type { RunFold, SandboxFold } from '../run/run-fold.ts'
import { endSandbox } from './end-sandbox.ts'

/** What an app does with the sandbox of a run while it is open. What a hook throws ends the run. */
export interface SandboxHooks {
  /** It was made, attached to or restored, and no tool has seen it since. */
  readonly ready?: ((workspace: Workspace) => void | Promise<void>) | undefined
  /** The agent has its answer; the last snapshot is taken next. Called again when the process ends before that is recorded. */
  readonly ending?: ((workspace: Workspace) => void | Promise<void>) | undefined
}

export type OpenWorkspace = (options: OpenWorkspaceOptions) => Promise<Workspace>

/** The sandbox of one run: started at its first use, and ended by whoever made it. */
export interface SandboxSession {
  /** The workspace, started, attached to or restored at the first call. All who ask meanwhile get the same. */
  open(): Promise<Workspace>
  /** The workspace when it is open. */
  readonly current: Workspace | undefined
  /** The error of a start that failed: no tool can do anything about it. */
  readonly failure: unknown
  /** A snapshot of the work, when there is a store and a sandbox of the run's own; the last one when nothing changed. */
  snapshot(): Promise<SnapshotRef | undefined>
  /** Lets the app look at the work before it ends, when there is some. */
  ending(): Promise<void>
  /** Lets go of the sandbox, which lives on until its lease ends. */
  release(): Promise<void>
  /** Ends the sandbox when it is the run's own, also one that this process has not attached to. */
  destroy(): Promise<void>
}

export interface SessionOptions {
  readonly fold: RunFold
  /** Where the sandbox comes from; the `workspace` of the app goes before. */
  readonly provider: Provider | undefined
  readonly given: Workspace | undefined
  readonly manifest: Manifest
  readonly snapshots: SnapshotStore | undefined
  /** What the first sandbox begins with instead of the manifest. */
  readonly from: SnapshotRef | undefined
  readonly hooks: SandboxHooks | undefined
  readonly openWorkspace: OpenWorkspace
  /** Whose sandboxes are made: a part of their names. */
  readonly installation: string
  readonly audit: RunAudit
  readonly runtime: RuntimeContext
  /** What every opening has in common. */
  readonly common: Pick<OpenWorkspaceOptions, 'policy' | 'secrets' | 'audit' | 'signal' | 'epoch' | 'leaseMs'>
  stage(step: Step): void
  flush(): Promise<void>
  onStarting(generation: number): void
}

type How = StepBody<'sandbox.ready'>['how']

export function sandboxSession(options: SessionOptions): SandboxSession {
  const { fold, provider, given, manifest, snapshots, hooks, openWorkspace, audit, runtime, common, stage, flush } = options
  let opening: Promise<Workspace> | undefined
  let current: Workspace | undefined
  let failure: unknown

  const ready = async (workspace: Workspace, how: How, generation: number): Promise<Workspace> => {
    stage({ type: 'sandbox.ready', body: { generation, state: workspace.state, how } })
    current = workspace
    await flush()
    if (how !== 'given') await hooks?.ready?.(workspace)
    return workspace
  }
  const request = (sandbox: Provider): OpenWorkspaceOptions => ({ ...common, sandbox, manifest, snapshots, runtime, runId: fold.runId })

  /** The intent of which nothing more is recorded, where this provider was to fulfil it. */
  const pendingOf = (sandbox: Provider): SandboxFold | undefined => {
    const last = fold.sandbox
    return last && !last.state && !last.isReleased && last.provider === sandbox.profile.name ? last : undefined
  }
  /** Makes a sandbox. The intent is durable first, and the same one is taken up again when its end was never recorded. */
  const create = async (sandbox: Provider, from: SnapshotRef | null, how: How): Promise<Workspace> => {
    const pending = pendingOf(sandbox)
    const generation = pending?.generation ?? (fold.sandbox?.generation ?? 0) + 1
    const { intentId, installation, from: start } = pending ?? { intentId: `s${generation}`, installation: options.installation, from }
    if (!pending) {
      stage({ type: 'sandbox.intent', body: { generation, intentId, from: start, provider: sandbox.profile.name, installation } })
      await flush()
    }
    options.onStarting(generation)
    return ready(await openWorkspace({ ...request(sandbox), installation, intentId, from: start ?? undefined }), how, generation)
  }
  /** Attaches to the sandbox of the run; when it is gone, restores the last snapshot into a new one. */
  const attach = async (sandbox: Provider, before: SandboxFold, state: Workspace['state']): Promise<Workspace> => {
    try {
      return await ready(await openWorkspace({ ...request(sandbox), resume: state }), 'attached', before.generation)
    } catch (error) {
      if (!isRingfenceError(error, 'sandbox.gone') || !fold.snapshot || !snapshots) throw error
      stage({ type: 'sandbox.release', body: { generation: before.generation, destroyed: true } })
      return create(sandbox, fold.snapshot.ref, 'restored')
    }
  }
  const takeGiven = (workspace: Workspace): Promise<Workspace> => {
    const before = fold.sandbox
    const isSame = before?.isGiven && before.state?.sandbox.id === workspace.state.sandbox.id
    return ready(workspace, 'given', isSame ? before.generation : (before?.generation ?? 0) + 1)
  }
  const start = async (): Promise<Workspace> => {
    if (given) return takeGiven(given)
    if (!provider)
      throw new RingfenceError('config.invalid', 'The run has no sandbox, and a tool asks for one', {
        hint: 'Give the runner a `sandbox`, or the run a `workspace`.',
        effect: 'none',
      })
    const before = fold.sandbox
    if (before?.isGiven)
      throw new RingfenceError('config.invalid', `The run "${fold.runId}" was started in a workspace of the app`, {
        hint: 'Give the same `workspace` again.',
        effect: 'none',
      })
    if (before?.state && !before.isDestroyed) return attach(provider, before, before.state)
    if (before?.isDestroyed) {
      if (fold.snapshot) return create(provider, fold.snapshot.ref, 'restored')
      throw new RingfenceError('sandbox.gone', `The sandbox of the run "${fold.runId}" was ended, and there is no snapshot of it`, {
        hint: 'Start a new run; nothing is replayed on another sandbox.',
        effect: 'none',
      })
    }
    return create(provider, options.from ?? null, 'created')
  }
  const isOwn = (): boolean => given === undefined && fold.sandbox !== undefined && !fold.sandbox.isGiven

  /** A start that is under way ends first, one way or the other; whoever asked for it has its error. */
  const settled = async (): Promise<void> => {
    await opening?.catch(() => undefined)
  }

  const open = (): Promise<Workspace> => {
    opening ??= start().catch((error: unknown) => {
      failure = error
      throw error
    })
    return opening
  }

  return {
    open,
    get current() {
      return current
    },
    get failure() {
      return failure
    },
    async snapshot() {
      if (!snapshots || !isOwn() || !fold.sandbox) return fold.snapshot?.ref
      const { generation, isTouched, isDestroyed, state } = fold.sandbox
      if (!isTouched || isDestroyed || !state) return fold.snapshot?.ref
      const ref = await (await open()).snapshot({ signal: common.signal })
      // An opening may have replaced what was gone.
      stage({ type: 'snapshot', body: { generation: fold.sandbox?.generation ?? generation, ref } })
      return ref
    },
    async ending() {
      const sandbox = fold.sandbox
      if (!hooks?.ending || !isOwn() || !sandbox?.state || sandbox.isDestroyed) return
      await hooks.ending(await open())
      if (fold.sandbox) fold.sandbox.isTouched = true
    },
    async release() {
      await settled()
      const sandbox = fold.sandbox
      if (!current || !sandbox || !isOwn()) return
      await current.release()
      current = undefined
      opening = undefined
      stage({ type: 'sandbox.release', body: { generation: sandbox.generation, destroyed: false } })
    },
    async destroy() {
      await settled()
      const sandbox = fold.sandbox
      if (!sandbox || !isOwn() || sandbox.isDestroyed || !provider) return
      try {
        if (current) await current.destroy()
        else {
          const { installation, intentId, state } = sandbox
          const ref = { installation, runId: fold.runId, intentId }
          const how = await endSandbox({ provider, ref, state: state?.sandbox, audit, runtime })
          // One whose start was never recorded, and that cannot be looked for, ends with its lifetime.
          if (how === 'not-found' && !state) return
        }
      } catch (error) {
        if (!isRingfenceError(error, 'sandbox.gone')) throw error
      }
      current = undefined
      stage({ type: 'sandbox.release', body: { generation: sandbox.generation, destroyed: true } })
    },
  }
}
