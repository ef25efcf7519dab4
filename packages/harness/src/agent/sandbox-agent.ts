import { type Capability, type ManifestInput, normalizePath } from '@ringfence/core'
import { filesystem, shell } from '../capabilities/index.ts'
import { Agent, type AgentConfig } from './agent.ts'

export interface SandboxAgentConfig<Context = unknown, Output = string> extends AgentConfig<Context, Output> {
  /** What the workspace begins with. */
  readonly manifest?: ManifestInput | undefined
  /** Tools, instructions and files for the work in a sandbox. Default: `shell()` and `filesystem()`; a list takes their place. */
  readonly capabilities?: readonly Capability[] | undefined
  /** The user that commands run as; the policy must allow it. Default: the user of the sandbox. */
  readonly runAs?: string | undefined
  /** Where commands begin, within the workspace. Default: the workspace itself. */
  readonly cwd?: string | undefined
}

/** An agent with a sandbox. The sandbox starts at its first use, never for an answer in text alone. */
export class SandboxAgent<Context = unknown, Output = string> extends Agent<Context, Output> {
  readonly manifest: ManifestInput
  readonly capabilities: readonly Capability[]
  readonly runAs: string | undefined
  readonly cwd: string | undefined

  /** @throws `config.invalid` without a name; `path.invalid`, `path.escapes-workspace` for a `cwd` that is none. */
  constructor(config: SandboxAgentConfig<Context, Output>) {
    super(config)
    this.manifest = config.manifest ?? {}
    this.capabilities = config.capabilities ?? [shell(), filesystem()]
    this.runAs = config.runAs
    this.cwd = config.cwd === undefined ? undefined : normalizePath(config.cwd)
  }
}
