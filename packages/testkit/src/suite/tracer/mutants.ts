import { RingfenceError, type Span, type SpanOptions, type Tracer } from '@ringfence/core'
import type { Mutant } from '../requirement.ts'
import type { TracerPlace, TracerSubject } from './subject.ts'

/** A mutant that wraps each tracer of a place. */
function wrapping(
  id: string,
  breaks: readonly string[],
  wrap: (tracer: Tracer, place: TracerPlace) => Partial<Tracer>,
): Mutant<TracerSubject> {
  return {
    id,
    breaks,
    mutate: (subject) => ({
      async place(context) {
        const place = await subject.place(context)
        return {
          ...place,
          open: () => {
            const tracer = place.open()
            return { ...tracer, ...wrap(tracer, place) }
          },
        }
      },
    }),
  }
}

/** A mutant that changes what is asked of each span. */
function changing(
  id: string,
  breaks: readonly string[],
  change: (span: Span, options: SpanOptions) => Partial<Span>,
  changeOptions: (options: SpanOptions) => SpanOptions = (options) => options,
): Mutant<TracerSubject> {
  return wrapping(id, breaks, (tracer) => ({
    startSpan(name, options) {
      const span = tracer.startSpan(name, changeOptions(options))
      return { ...span, ...change(span, options) }
    },
  }))
}

/** Tracers with one fault each, made from any tracer that has none. */
export const tracerMutants: readonly Mutant<TracerSubject>[] = [
  wrapping('has-no-id', ['identity'], () => ({ name: '' })),
  changing('cuts-the-fraction-of-times', ['span.fields'], (span) => ({ end: (time) => span.end(Math.floor(time)) })),
  changing(
    'forgets-the-parent',
    ['span.parent'],
    () => ({}),
    (options) => ({ ...options, parentSpanId: undefined }),
  ),
  changing('keeps-attributes-of-the-start-alone', ['span.attributes'], () => ({ setAttributes: () => undefined })),
  changing(
    'reads-attributes-at-the-end',
    ['span.copies'],
    (span, options) => ({
      end(time) {
        span.setAttributes(options.attributes ?? {})
        span.end(time)
      },
    }),
    (options) => ({ ...options, attributes: undefined }),
  ),
  changing('times-events-by-the-start', ['span.events'], (span, { startTime }) => ({
    addEvent: (name, attributes) => span.addEvent(name, attributes, startTime),
  })),
  changing('knows-no-error', ['span.status'], (span) => ({
    setStatus: (status) => span.setStatus({ code: status.code === 'error' ? 'ok' : status.code }),
  })),
  changing('writes-at-the-start', ['span.ends-once'], (span, { startTime }) => {
    span.end(startTime)
    return {}
  }),
  wrapping('flush-works-once', ['flush.writes'], (tracer) => {
    let flushed = 0
    return {
      flush: async () => {
        flushed += 1
        if (flushed <= 2) await tracer.flush?.()
      },
    }
  }),
  wrapping('shutdown-throws-away', ['shutdown.flushes'], (tracer) => {
    const held: (() => void)[] = []
    return {
      startSpan(name, options) {
        const span = tracer.startSpan(name, options)
        return { ...span, end: (time) => void held.push(() => span.end(time)) }
      },
      shutdown: async () => undefined,
    }
  }),
  wrapping('the-last-tracer-wins', ['writers.together'], (tracer) => ({
    startSpan: (name, options) => tracer.startSpan(/^span [1-3]/.test(name) ? 'span' : name, options),
  })),
  wrapping('throws-into-the-run', ['failure.not-in-the-run', 'failure.odd-values'], (tracer) => ({
    startSpan(name, options) {
      const span = tracer.startSpan(name, options)
      return {
        ...span,
        setAttributes() {
          throw new RingfenceError('tracer.failed', 'The fault of this mutant')
        },
      }
    },
  })),
  wrapping('flush-tells-nothing', ['failure.not-in-the-run'], (tracer) => ({
    async flush() {
      try {
        await tracer.flush?.()
      } catch {
        // The fault: nobody learns of it.
      }
    },
  })),
]
