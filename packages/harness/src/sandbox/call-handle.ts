import type { CommandOptions, WorkspaceHandle } from '@ringfence/core'

export interface CallHandleOptions {
  /** The run and the call, path-safe: the operations of the call are numbered after it. */
  readonly callKey: string
  /** Where commands begin when they do not say; "" is the workspace itself. */
  readonly cwd: string
  readonly runAs: string | undefined
  readonly signal: AbortSignal
}

/**
 * The workspace as one call of a tool sees it. Its commands get the ids of the call, so that a call that is made again
 * after a crash finds those it had started; they begin in the agent's `cwd`, run as its `runAs`, and are killed when the
 * call is aborted.
 */
export function callHandle(workspace: WorkspaceHandle, { callKey, cwd, runAs, signal }: CallHandleOptions): WorkspaceHandle {
  let operations = 0
  const own = <T extends CommandOptions>(given: T): T => ({
    ...given,
    opId: given.opId ?? `${callKey}.${++operations}`,
    cwd: given.cwd ?? (cwd === '' ? undefined : cwd),
    user: given.user ?? runAs,
    signal: given.signal ?? signal,
  })
  return Object.freeze({
    ...workspace,
    exec: (line, options = {}) => workspace.exec(line, own(options)),
    spawn: (line, options = {}) => workspace.spawn(line, own(options)),
  } satisfies WorkspaceHandle)
}
