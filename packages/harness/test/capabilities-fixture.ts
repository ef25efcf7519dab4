import type { Capability, CapabilityBinding, Clock, ToolCall, ToolOutput, WorkspaceHandle } from '@ringfence/core'

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves on, and ends the waits whose time has come. */
  advance(ms: number): void
  /** Resolves when someone waits for so many milliseconds. */
  waitedFor(ms: number): Promise<void>
}

export function createManualClock(): ManualClock {
  let time = 0
  const sleepers = new Set<{ ms: number; until: number; wake: () => void }>()
  const watchers = new Set<() => void>()
  return {
    now: () => time,
    monotonic: () => time,
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const onAbort = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason)
        }
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }
        const sleeper = { ms, until: time + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', onAbort, { once: true })
        for (const check of [...watchers]) check()
      }),
    advance(ms) {
      time += ms
      for (const sleeper of [...sleepers]) if (sleeper.until <= time) sleeper.wake()
    },
    waitedFor: (ms) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (![...sleepers].some((sleeper) => sleeper.ms === ms)) return
          watchers.delete(check)
          resolve()
        }
        watchers.add(check)
        check()
      }),
  }
}

/** Calls tools as a run does: one after the other, or as the given turn and index. */
export interface Caller {
  readonly lastOpId: string
  call(tool: string, args: unknown, options?: { callId?: string; signal?: AbortSignal }): Promise<ToolOutput>
  text(tool: string, args: unknown, options?: { callId?: string; signal?: AbortSignal }): Promise<string>
  opIdOf(callId: string): string
}

export function createCaller(
  capability: Capability,
  workspace: WorkspaceHandle,
  binding: Partial<CapabilityBinding> = {},
  firstTurn = 1,
): Caller {
  const tools = capability.tools?.({ agent: 'a', cwd: '', hasPty: workspace.hasPty, ...binding }) ?? []
  let turn = firstTurn
  let lastOpId = ''
  const opIdOf = (callId: string): string => `run_x/${callId}/0`
  const call: Caller['call'] = async (name, args, { callId = `${turn++}.0`, signal = new AbortController().signal } = {}) => {
    const tool = tools.find((one) => one.name === name)
    if (!tool) throw new TypeError(`no tool "${name}"`)
    lastOpId = opIdOf(callId)
    const given: ToolCall = {
      runId: 'run_x',
      callId,
      idempotencyKey: lastOpId,
      epoch: 1,
      signal,
      context: undefined,
      workspace: async () => workspace,
    }
    return tool.type === 'custom' ? tool.invoke(String(args), given) : tool.invoke(tool.parse(args), given)
  }
  return {
    get lastOpId() {
      return lastOpId
    },
    call,
    async text(name, args, options) {
      const output = await call(name, args, options)
      if (typeof output !== 'string') throw new TypeError('the output is no text')
      return output
    },
    opIdOf,
  }
}

/** The parts of a result of the shell tools. */
export function parseResult(text: string): {
  chunk: string
  exit?: number
  session?: number
  notes: string[]
  tokens: number
  output: string
} {
  const match =
    /^Chunk ID: ([0-9a-f]{6})\nWall time: \d+\.\d{4} seconds\n(?:Process exited with code (\d+)\n)?(?:Process running with session ID (\d+)\n)?((?:Note: .*\n)*)Original token count: (\d+)\nOutput:\n([\s\S]*)$/.exec(
      text,
    )
  if (!match) throw new TypeError(`not a result: ${text}`)
  const [, chunk = '', exit, session, notes = '', tokens, output = ''] = match
  return {
    chunk,
    ...(exit === undefined ? {} : { exit: Number(exit) }),
    ...(session === undefined ? {} : { session: Number(session) }),
    notes: notes.split('\n').filter((note) => note !== ''),
    tokens: Number(tokens),
    output,
  }
}
