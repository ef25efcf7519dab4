import type { AuditSink, JournalStore, Model, Provider, RuntimeContext, SnapshotStore, Tracer } from '@ringfence/core'
import type { PolicyInput, SnapshotRef, Workspace } from '@ringfence/workspace'
import type { OpenWorkspace, SandboxHooks } from '../sandbox/sandbox-session.ts'

export interface RunnerOptions {
  /** For agents that have none of their own. */
  readonly model?: Model | undefined
  /** Where the sandboxes of agents come from. */
  readonly sandbox?: Provider | undefined
  /** What a sandbox may do, and the secrets that are kept out of everything. */
  readonly policy?: PolicyInput | undefined
  /** With it, a run ends or pauses with a snapshot of its work. */
  readonly snapshots?: SnapshotStore | undefined
  /**
   * With it, a run can be taken up by another process, and sandboxes that earlier processes left to runs that had ended are ended in the
   * background ({@link sweep}). Default: in memory, as long as its state is held.
   */
  readonly journal?: JournalStore | undefined
  /** What the app does with a sandbox of a run's own while it is open. */
  readonly sandboxHooks?: SandboxHooks | undefined
  readonly tracer?: Tracer | undefined
  readonly audit?: AuditSink | readonly AuditSink[] | undefined
  /** Answers of the model that a run may take. Default 10. */
  readonly maxTurns?: number | undefined
  /** How long another process has to wait for a run whose driver died, in milliseconds, 1,000 or more. Default 30,000. */
  readonly leaseMs?: number | undefined
  /**
   * How long a sandbox outlives a driver that died, or that waits for a person, in milliseconds: so long another one can attach to it. No
   * less than `leaseMs`. Default 120,000.
   */
  readonly sandboxLifetimeMs?: number | undefined
  /** Names this installation in the labels of sandboxes. Path-safe. Default `ringfence`. */
  readonly installation?: string | undefined
  /** Default: the clock and the randomness of the machine. */
  readonly runtime?: RuntimeContext | undefined
  /** What opens workspaces. Default: that of `@ringfence/workspace`, loaded when a sandbox is first used. */
  readonly openWorkspace?: OpenWorkspace | undefined
}

export interface RunOptions<Context = unknown> {
  /** Reaches tools, instructions and rules of approval; never the model. */
  readonly context?: Context | undefined
  /** Aborts the run, which then rejects with the reason; its journal can be taken up. */
  readonly signal?: AbortSignal | undefined
  /** Default: that of the runner. */
  readonly maxTurns?: number | undefined
  /** Work in this workspace; the app ends it. It goes before the `sandbox` of the runner. */
  readonly workspace?: Workspace | undefined
  /** Begin with this snapshot instead of the manifest's content. */
  readonly from?: SnapshotRef | undefined
  /** Where commands begin, within the workspace. Default: the `cwd` of the agent. */
  readonly cwd?: string | undefined
  /** The id of a new run: letters, digits, ".", "_" and "-", at most 64. Default: a new one. */
  readonly runId?: string | undefined
}

/** Options of a run that tells what happens as it happens. */
export interface StreamOptions<Context = unknown> extends RunOptions<Context> {
  readonly stream: true
}
