import type { Item, ToolOutput } from '@ringfence/core'
import type { SnapshotRef } from '@ringfence/workspace'
import type { Interruption } from './interruption.ts'

/** What happens in a run, as it happens. All but the deltas is in the journal when it is told, under the same ids. */
export type RunEvent =
  | { readonly type: 'text-delta'; readonly turn: number; readonly delta: string }
  | { readonly type: 'reasoning-delta'; readonly turn: number; readonly delta: string }
  /** A model is asked. `attempt` is above 1 when an earlier answer never came. */
  | { readonly type: 'turn'; readonly turn: number; readonly attempt: number; readonly agent: string }
  /** What the model said. */
  | { readonly type: 'item'; readonly turn: number; readonly item: Item }
  | { readonly type: 'tool-begin'; readonly callId: string; readonly name: string; readonly arguments: string; readonly attempt: number }
  | { readonly type: 'tool-end'; readonly callId: string; readonly name: string; readonly output: ToolOutput; readonly isError: boolean }
  | { readonly type: 'interruption'; readonly interruption: Interruption }
  | { readonly type: 'handoff'; readonly from: string; readonly to: string }
  /**
   * `starting`, then `created`, `attached`, `restored` (the sandbox was gone: a new one from the last snapshot) or
   * `given`; at the end `released` or `destroyed`.
   */
  | {
      readonly type: 'sandbox'
      readonly phase: 'starting' | 'created' | 'attached' | 'restored' | 'given' | 'released' | 'destroyed'
      readonly generation: number
    }
  | { readonly type: 'snapshot'; readonly ref: SnapshotRef }
  | { readonly type: 'end'; readonly status: 'completed' | 'paused' }
