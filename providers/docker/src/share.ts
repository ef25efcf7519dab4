import { abortable, type CreateProgress, type CreateRequest } from '@ringfence/core'

export type Report = (progress: CreateProgress) => void

/** What takes long and is the same for all who want it. It tells how far it is, and ends early when its signal says so. */
export type Work<T> = (report: Report, signal: AbortSignal) => Promise<T>

/** A work by a name: the same name is the same work. */
export interface Wanted<T> {
  readonly name: string
  readonly work: Work<T>
}

/**
 * Does a work of a name once for all who ask for it at the same time. Each hears how far it is and may go away; it ends when the last of
 * them has.
 */
export type Share<T> = (wanted: Wanted<T>, listener: Pick<CreateRequest, 'onProgress' | 'signal'>) => Promise<T>

interface Running<T> {
  readonly done: Promise<T>
  readonly stop: AbortController
  readonly reports: Set<Report>
}

export function sharing<T>(): Share<T> {
  const running = new Map<string, Running<T>>()

  const start = (work: Work<T>): Running<T> => {
    const stop = new AbortController()
    const reports = new Set<Report>()
    const tell: Report = (progress) => {
      for (const report of reports) report(progress)
    }
    const done = work(tell, stop.signal)
    // Each who waits hears of it; when nobody waits any more, nobody has to.
    done.catch(() => undefined)
    return { done, stop, reports }
  }

  return async ({ name, work }, { onProgress, signal }) => {
    const one = running.get(name) ?? start(work)
    running.set(name, one)
    // What a listener throws ends its own waiting, and nobody else's.
    const failed = new AbortController()
    const report: Report = (progress) => {
      try {
        onProgress?.(progress)
      } catch (error) {
        failed.abort(error)
      }
    }
    one.reports.add(report)
    try {
      return await abortable(one.done, signal ? AbortSignal.any([signal, failed.signal]) : failed.signal)
    } finally {
      one.reports.delete(report)
      if (one.reports.size === 0) {
        if (running.get(name) === one) running.delete(name)
        one.stop.abort()
      }
    }
  }
}
