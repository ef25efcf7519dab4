import type { Attributes, AttributeValue, Span, SpanOptions, SpanStatus } from '@ringfence/core'

/** One line of the file: a span that has ended, with the names of OpenTelemetry. */
export interface SpanLine {
  readonly traceId: string
  readonly spanId: string
  /** Left out of the first span of a trace. */
  readonly parentSpanId?: string | undefined
  readonly name: string
  /** Nanoseconds since 1970, as decimal text: more digits than a number of JSON holds. */
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: Record<string, AttributeValue>
  readonly events: readonly SpanLineEvent[]
  readonly status: SpanStatus
}

export interface SpanLineEvent {
  readonly name: string
  readonly timeUnixNano: string
  readonly attributes: Record<string, AttributeValue>
}

/** Milliseconds, maybe with a fraction, as nanoseconds. What is no time becomes "0", which OpenTelemetry reads as unknown. */
export function toNanoseconds(ms: number): string {
  if (!Number.isFinite(ms)) return '0'
  const whole = Math.floor(ms)
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000)))
}

/** JSON has no infinity and no NaN; OpenTelemetry writes them as text. */
function plain(value: AttributeValue): AttributeValue {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (!Array.isArray(value)) return value
  return value.some((one) => typeof one === 'number' && !Number.isFinite(one)) ? value.map(String) : [...value]
}

/** Copies attributes: what is changed or undefined later stays as it was. */
function merge(target: Record<string, AttributeValue>, attributes: Attributes | undefined): Record<string, AttributeValue> {
  for (const [key, value] of Object.entries(attributes ?? {})) if (value !== undefined) target[key] = plain(value)
  return target
}

/** A table without a prototype: a key such as `__proto__` is a key. */
const emptyTable = (): Record<string, AttributeValue> => Object.create(null)

/** A span that gives its line when it ends. */
export function makeSpan(name: string, options: SpanOptions, onEnd: (line: SpanLine) => void): Span {
  const { traceId, spanId, parentSpanId } = options
  const attributes = merge(emptyTable(), options.attributes)
  const events: SpanLineEvent[] = []
  let status: SpanStatus = { code: 'unset' }
  let ended = false
  return {
    setAttributes(more) {
      if (!ended) merge(attributes, more)
    },
    addEvent(event, given, time) {
      if (!ended) events.push({ name: event, timeUnixNano: toNanoseconds(time), attributes: merge(emptyTable(), given) })
    },
    setStatus(next) {
      if (!ended) status = next.code === 'error' ? { code: 'error', message: next.message } : { code: next.code }
    },
    end(time) {
      if (ended) return
      ended = true
      const startTimeUnixNano = toNanoseconds(options.startTime)
      onEnd({ traceId, spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano: toNanoseconds(time), attributes, events, status })
    },
  }
}
