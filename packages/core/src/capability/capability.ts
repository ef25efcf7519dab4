import type { ManifestInput } from '../manifest/manifest.ts'
import type { Tool } from '../tool/tool.ts'

/** What a capability is told of the agent that it extends. */
export interface CapabilityBinding {
  readonly agent: string
  /** Where commands and relative paths begin, within the workspace; "" is the workspace itself. */
  readonly cwd: string
  /** Whether the provider of the sandbox has terminals. */
  readonly hasPty: boolean
}

/** A set of tools, instructions and files that an agent with a sandbox is given together. */
export interface Capability {
  /** Unique within an agent. */
  readonly name: string
  /** Called once a run. */
  tools?(binding: CapabilityBinding): readonly Tool[]
  /** A paragraph of the system prompt. */
  instructions?(binding: CapabilityBinding): string | undefined
  /** Entries and variables that it needs; the engine merges them and refuses two at one path. */
  readonly manifest?: ManifestInput | undefined
}
