import type { Capability, CustomTool } from '@ringfence/core'
import { viewImage } from '../image/view-image.ts'
import { applyPatchTool } from '../patch/apply-patch.ts'
import { grepFiles } from './grep-files.ts'
import { listDir } from './list-dir.ts'
import { readFileTool } from './read-file.ts'

/** What an app chooses of the file tools. */
export interface FilesystemOptions {
  /** Whether a person must allow a change first; asked for `apply_patch` with the text of the patch. Default false. */
  readonly needsApproval?: CustomTool['needsApproval']
}

/** The files of the workspace: the tools `apply_patch`, `view_image`, `read_file`, `list_dir` and `grep_files`. */
export function filesystem({ needsApproval }: FilesystemOptions = {}): Capability {
  return {
    name: 'filesystem',
    tools: (binding) => [
      applyPatchTool(binding, needsApproval),
      viewImage(binding),
      readFileTool(binding),
      listDir(binding),
      grepFiles(binding),
    ],
    instructions: ({ cwd }) =>
      [
        `Change files with apply_patch; read, list and search them with read_file, list_dir and grep_files, look at images with view_image.`,
        `Paths are relative to ${cwd === '' ? 'the workspace' : `"${cwd}" in the workspace`}.`,
      ].join(' '),
  }
}
