import type { WorkspaceHandle } from '@ringfence/core'

/** The members of a handle alone, frozen: nothing else of the workspace can be reached through it. */
export function restrict(handle: WorkspaceHandle): WorkspaceHandle {
  return Object.freeze({ ...handle })
}
