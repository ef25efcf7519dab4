import { isRingfenceError, RingfenceError, type WorkspaceHandle } from '@ringfence/core'
import type { FileChange, FileState } from './stage-patch.ts'

const WRITES_AT_ONCE = 8

/**
 * Writes what a patch makes of its files, then removes what it deletes. When one fails, the others are put back, without
 * the directories that were made for them.
 *
 * @throws the failure; the message tells whether the files are as they were, and which are not.
 */
export async function commitChanges(workspace: WorkspaceHandle, changes: readonly FileChange[], signal: AbortSignal): Promise<void> {
  const attempted: FileChange[] = []
  const steps = [changes.filter((change) => change.after), changes.filter((change) => !change.after)]
  try {
    for (const step of steps)
      await eachOf(step, async (change) => {
        signal.throwIfAborted()
        attempted.push(change)
        await put(workspace, change.path, change.after)
      })
  } catch (error) {
    const lost = await putBack(workspace, attempted)
    if (signal.aborted && lost.length === 0) throw signal.reason
    throw explained(error, lost)
  }
}

async function put(workspace: WorkspaceHandle, path: string, state: FileState | undefined): Promise<void> {
  if (state) await workspace.writeFile(path, state.bytes, { mode: state.mode })
  else await workspace.remove(path, { force: true })
}

/** Returns the paths that could not be put back. */
async function putBack(workspace: WorkspaceHandle, attempted: readonly FileChange[]): Promise<string[]> {
  const lost: string[] = []
  await eachOf(attempted, async ({ path, before }) => {
    try {
      await put(workspace, path, before)
    } catch {
      // The first failure is the one that is told; of this one, that the path is not as it was.
      lost.push(path)
    }
  })
  return lost
}

/** Runs over all, a few at once. Starts no more after a failure, and ends when none is running. */
async function eachOf<T>(items: readonly T[], body: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  let hasFailed = false
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined && !hasFailed; item = waiting.shift()) {
      try {
        await body(item)
      } catch (error) {
        hasFailed = true
        throw error
      }
    }
  }
  const results = await Promise.allSettled(Array.from({ length: Math.min(WRITES_AT_ONCE, items.length) }, worker))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function explained(error: unknown, lost: readonly string[]): unknown {
  if (!isRingfenceError(error)) return error
  const state =
    lost.length === 0
      ? 'What was written before has been put back: nothing was changed'
      : `These files could not be put back, look at them: ${lost.map((path) => `"${path}"`).join(', ')}`
  return new RingfenceError(error.code, `${error.message.replace(/\.$/, '')}. ${state}`, {
    hint: error.hint,
    retry: error.retry,
    effect: lost.length === 0 ? 'none' : 'unknown',
    cause: error,
  })
}
