import type { Random, WorkspaceHandle } from '@ringfence/core'
import type { SandboxShell } from '../shell/sandbox-shell.ts'

/** The files of a workspace, as {@link WorkspaceHandle} documents them. */
export type Files = Pick<
  WorkspaceHandle,
  'readFile' | 'readText' | 'readStream' | 'writeFile' | 'list' | 'stat' | 'remove' | 'mkdir' | 'rename'
>

export interface OpenFilesOptions {
  readonly shell: SandboxShell
  /** The absolute path of the workspace inside. */
  readonly root: string
  /** Names of temporary files. Default: the randomness of the machine. */
  readonly random?: Random | undefined
}
