/** The engine over a sandbox. */

export { deleteSnapshot } from './delete-snapshot.ts'
export type { OnWorkspaceEvent, WorkspaceEvent } from './events.ts'
export { checkSources } from './materialise/index.ts'
export { openWorkspace } from './open-workspace.ts'
export type { OpenWorkspaceOptions } from './options.ts'
export type { PolicyInput } from './policy/admit.ts'
export { type SandboxPool, type SandboxPoolOptions, sandboxPool } from './pool/index.ts'
export type { PortOptions, WorkspacePort } from './ports/index.ts'
export { type Redactor, redactor } from './redact/index.ts'
export { readSecrets, type SecretValues } from './secrets/secret-values.ts'
export { memorySnapshots, parseSnapshotRef, type SnapshotRef } from './snapshot/index.ts'
export type { Workspace, WorkspaceState } from './workspace.ts'
