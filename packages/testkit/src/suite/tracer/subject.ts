import type { AttributeValue, SpanOptions, SpanStatus, Tracer } from '@ringfence/core'
import type { RequirementContext } from '../requirement.ts'

/** A span as it was written, in the terms of the contract. */
export interface WrittenSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  readonly name: string
  /** Milliseconds, as they were given. */
  readonly startTime: number
  readonly endTime: number
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly events: readonly {
    readonly name: string
    readonly time: number
    readonly attributes: Readonly<Record<string, AttributeValue>>
  }[]
  readonly status: SpanStatus
}

/** An empty place that tracers write to. */
export interface TracerPlace {
  /** Another tracer on the place, as another process would have it. */
  open(): Tracer
  /** What was written, in any order. */
  spans(): Promise<readonly WrittenSpan[]>
  /** Makes all later writing fail. */
  fail(): Promise<void>
}

/** A kind of tracer, as the suite takes it. */
export interface TracerSubject {
  /** An empty place of its own for each call; it goes away with `context.defer`. */
  place(context: RequirementContext): Promise<TracerPlace>
}

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

/** A time as the clock gives it, in milliseconds. */
export const START = 1_800_000_000_123

/** Options of the n-th span of a trace. */
export function spanOptions(index = 1, more: Partial<SpanOptions> = {}): SpanOptions {
  return { traceId: TRACE_ID, spanId: index.toString(16).padStart(16, '0'), startTime: START, ...more }
}
