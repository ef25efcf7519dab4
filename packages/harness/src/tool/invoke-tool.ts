import { abortable, type Clock, RingfenceError, type Tool, type ToolCall, type ToolOutput } from '@ringfence/core'
import { linkSignal } from '../run/link-signal.ts'

/** How a call ended, when it ended as a call. */
export interface CallOutcome {
  readonly output: ToolOutput
  readonly isError: boolean
}

export interface Invocation<Context> {
  readonly tool: Tool<Context>
  readonly args: unknown
  /** The call, with the signal that is aborted at its deadline as well. */
  call(signal: AbortSignal): ToolCall<Context>
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Whether an error ends the run rather than become a result. */
  isFatal(error: unknown): boolean
}

function start<Context>(tool: Tool<Context>, args: unknown, call: ToolCall<Context>): Promise<ToolOutput> {
  return tool.type === 'custom' ? tool.invoke(String(args), call) : tool.invoke(args, call)
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const hint = error instanceof RingfenceError && error.hint ? ` ${error.hint}` : ''
  return `${error.message}${hint}`
}

/**
 * Calls a tool. What it throws becomes a result, unless it is fatal or the tool throws errors; past its deadline it is
 * aborted and the model told.
 *
 * @throws the reason of the signal; fatal errors; `tool.failed`.
 */
export async function invokeTool<Context>({ tool, args, call, signal, clock, isFatal }: Invocation<Context>): Promise<CallOutcome> {
  const linked = linkSignal(signal)
  const ended = new AbortController()
  const { timeoutMs } = tool
  let isLate = false
  if (timeoutMs !== undefined)
    clock.sleep(timeoutMs, { signal: ended.signal }).then(
      () => {
        isLate = true
        linked.abort(new RingfenceError('exec.timeout', `The tool "${tool.name}" ran past its ${timeoutMs} ms`))
      },
      () => {
        // The call ended first.
      },
    )
  // In a function of its own, so that one that throws at once is caught as well.
  const invoked = (async () => start(tool, args, call(linked.signal)))()
  try {
    return { output: await abortable(invoked, linked.signal), isError: false }
  } catch (error) {
    invoked.catch(() => {
      // A tool that was let go of may still fail; nobody waits for it any more.
    })
    if (signal.aborted) throw signal.reason
    if (isLate)
      return {
        output: `The tool "${tool.name}" ran past its deadline of ${timeoutMs} ms and was stopped. What it did until then is not known.`,
        isError: true,
      }
    if (isFatal(error)) throw error
    if (tool.type === 'function' && tool.throwsErrors)
      throw new RingfenceError('tool.failed', `The tool "${tool.name}" failed: ${describe(error)}`, { operation: tool.name, cause: error })
    return { output: `The tool "${tool.name}" failed: ${describe(error)}`, isError: true }
  } finally {
    ended.abort()
    linked.unlink()
  }
}
