import type { Manifest, PolicyLayer, RuntimeContext, Sandbox } from '@ringfence/core'
import type { Exec } from './exec/index.ts'
import type { Files } from './files/index.ts'
import type { Audit } from './lifecycle/audit.ts'
import type { OpenWorkspaceOptions } from './options.ts'
import type { Redactor } from './redact/index.ts'
import type { PlacedSecrets } from './secrets/placed-secrets.ts'

/** All that is known of a workspace before its sandbox is there. */
export interface Plan {
  readonly options: OpenWorkspaceOptions
  readonly runtime: RuntimeContext
  readonly runId: string
  readonly leaseMs: number
  readonly epoch: number
  readonly manifest: Manifest
  readonly layers: readonly PolicyLayer[]
  readonly audit: Audit
  readonly secrets: PlacedSecrets
  readonly redactor: Redactor
}

/** What is open inside of a sandbox. */
export interface Opened {
  readonly sandbox: Sandbox
  readonly exec: Exec
  readonly files: Files
  readonly ephemeral: readonly string[]
  /** Folders of the engine within the workspace. */
  readonly reserved: readonly string[]
}
