/** Agents with a sandbox: the loop, tools, approvals, journal, recovery. */
export {
  type Capability,
  type CapabilityBinding,
  type CustomTool,
  dir,
  type FunctionTool,
  file,
  gitRepo,
  type Item,
  isRingfenceError,
  type JournalStore,
  localDir,
  localFile,
  type ManifestInput,
  type Model,
  type Policy,
  RingfenceError,
  secret,
  type Tool,
  type ToolCall,
  type ToolOutput,
  type Usage,
} from '@ringfence/core'
export type { SnapshotRef, Workspace } from '@ringfence/workspace'
export {
  Agent,
  type AgentConfig,
  type AgentEvents,
  type AnyAgent,
  type Instructions,
  type RunContext,
  type ToolCallDetails,
} from './agent/agent.ts'
export type { GuardrailResult, InputGuardrail, OutputGuardrail } from './agent/guardrail.ts'
export { type Handoff, type HandoffOptions, handoff } from './agent/handoff.ts'
export { SandboxAgent, type SandboxAgentConfig } from './agent/sandbox-agent.ts'
export * from './capabilities/index.ts'
export { type FsJournalOptions, fsJournal } from './journal/fs/fs-journal.ts'
export { type MemoryJournalOptions, memoryJournal } from './journal/memory-journal.ts'
export type { RunnerEvents } from './run/hooks.ts'
export type { Interruption } from './run/interruption.ts'
export type { RunEvent } from './run/run-event.ts'
export type { RunnerOptions, RunOptions, StreamOptions } from './run/run-options.ts'
export type { RunResult, StreamedRun } from './run/run-result.ts'
export { RunState } from './run/run-state.ts'
export { type RunInput, Runner, run } from './run/runner.ts'
export type { OpenWorkspace, SandboxHooks } from './sandbox/sandbox-session.ts'
export { type SweepOptions, type SweepReport, sweep } from './sweep/sweep.ts'
export type { KeptReason } from './sweep/sweep-run.ts'
export { type ToolOptions, tool } from './tool/function-tool.ts'
