import type { JsonObject } from '@ringfence/core'

/** What a run is started with, and gone on with. */
export interface RunOptions {
  /** A folder, whole, or a URL. */
  readonly repo: string
  readonly task: string
  readonly provider: string
  readonly providerOptions: JsonObject | undefined
  /** By the name that its service knows. Where the service is, is never kept: it comes from the environment. */
  readonly model: string | undefined
  readonly api: 'responses' | 'chat-completions'
  /** Whether the bundled example is worked on. */
  readonly isDemo: boolean
  readonly nonce: string | undefined
  readonly check: string | undefined
  readonly ask: boolean
  readonly apply: boolean
  readonly consent: boolean
  readonly openNetwork: boolean
  readonly maxTurns: number
}
