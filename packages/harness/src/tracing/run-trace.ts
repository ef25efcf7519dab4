import { type Attributes, type Clock, type Span, sha256, type Tracer } from '@ringfence/core'

/** A span of the run that is under way. */
export interface RunSpan {
  readonly id: string
  set(attributes: Attributes): void
  /** Ends it, failed when an error is given. Once. */
  end(error?: { readonly message: string }): void
}

/** The spans of one run: the trace id is of the run, each span id of its operation, so that they survive a resume. */
export interface RunTrace {
  span(
    name: string,
    opId: string,
    options?: { readonly parent?: RunSpan | undefined; readonly attributes?: Attributes | undefined },
  ): RunSpan
  flush(): Promise<void>
}

/** How long a run waits for its spans to be written, in milliseconds. */
const FLUSH_MS = 5000

/** Calls a tracer. One that throws cannot fail a run, so that what it throws ends here. */
function safely<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    // Tracing is beside the run: there is nobody to tell but the tracer itself.
    return undefined
  }
}

const SILENT: RunSpan = { id: '', set: () => undefined, end: () => undefined }
const NO_TRACE: RunTrace = { span: () => SILENT, flush: async () => undefined }

export function runTrace(tracer: Tracer | undefined, runId: string, clock: Clock): RunTrace {
  if (!tracer) return NO_TRACE
  const traceId = sha256(runId).slice(0, 32)
  return {
    span(name, opId, { parent, attributes } = {}) {
      const id = sha256(opId).slice(0, 16)
      const options = { traceId, spanId: id, parentSpanId: parent?.id || undefined, startTime: clock.now(), attributes }
      const span: Span | undefined = safely(() => tracer.startSpan(name, options))
      let isOpen = true
      return {
        id,
        set: (more) => safely(() => span?.setAttributes(more)),
        end(error) {
          if (!isOpen) return
          isOpen = false
          safely(() => span?.setStatus(error ? { code: 'error', message: error.message } : { code: 'ok' }))
          safely(() => span?.end(clock.now()))
        },
      }
    },
    async flush() {
      const flushed = safely(() => tracer.flush?.())
      if (!flushed) return
      const waited = new AbortController()
      // Neither an error nor a tracer that hangs may hold up the result.
      const patience = clock.sleep(FLUSH_MS, { signal: waited.signal, unref: true }).catch(() => undefined)
      await Promise.race([flushed.catch(() => undefined), patience])
      waited.abort()
    },
  }
}
