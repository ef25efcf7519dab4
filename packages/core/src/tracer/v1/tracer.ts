/** A value of an attribute, as in OpenTelemetry. */
export type AttributeValue = string | number | boolean | readonly string[] | readonly number[] | readonly boolean[]

export type Attributes = { readonly [key: string]: AttributeValue | undefined }

export type SpanStatus = { readonly code: 'unset' | 'ok' } | { readonly code: 'error'; readonly message: string }

export interface SpanOptions {
  /** 32 hex digits, from the run: spans of a resumed run share it. */
  readonly traceId: string
  /** 16 hex digits, from the operation: the same after a resume. */
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  /** Wall time in milliseconds. */
  readonly startTime: number
  readonly attributes?: Attributes | undefined
}

/** A span, with the names of OpenTelemetry. All input is redacted already. */
export interface Span {
  setAttributes(attributes: Attributes): void
  addEvent(name: string, attributes: Attributes | undefined, time: number): void
  setStatus(status: SpanStatus): void
  /** Wall time in milliseconds. Later calls on the span do nothing. */
  end(time: number): void
}

/** Where spans go. One that throws cannot fail a run. */
export interface Tracer {
  readonly specificationVersion: 'tracer-v1'
  readonly name: string
  startSpan(name: string, options: SpanOptions): Span
  /** Writes out what is buffered. */
  flush?(): Promise<void>
  /** Flushes and lets go of everything. */
  shutdown?(): Promise<void>
}
