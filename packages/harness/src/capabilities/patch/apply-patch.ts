import type { CapabilityBinding, CustomTool, WorkspaceHandle } from '@ringfence/core'
import { readable } from '../define-tool.ts'
import { commitChanges } from './commit-patch.ts'
import { PATCH_GRAMMAR } from './grammar.ts'
import { parsePatch } from './parse-patch.ts'
import { type PatchPlace, stagePatch } from './stage-patch.ts'

const DESCRIPTION = `Edits files by a patch. All of it is applied, or nothing. The format:

*** Begin Patch
*** Add File: path/new.txt
+each line of the new file
*** Update File: path/changed.py
*** Move to: path/renamed.py
@@ def greet():
 a line that stays
-a line that goes
+a line that comes
*** Delete File: path/old.txt
*** End Patch

"Move to" is optional. Show about 3 lines around each change as they are in the file; where those are not unique, put "@@" with the line of the function or class before them, several below each other if need be. End a change at the end of the file with "*** End of File". Paths are relative.`

/**
 * Applies a patch in the V4A format. Everything is read and checked first; when writing fails, what was written is put back.
 *
 * @returns the text for the model.
 * @throws `config.invalid` for a patch that is malformed or does not fit, and what the workspace throws.
 */
async function applyPatch(workspace: WorkspaceHandle, text: string, place: PatchPlace): Promise<string> {
  const { changes, summary } = await stagePatch(workspace, parsePatch(text), place)
  await commitChanges(workspace, changes, place.signal)
  return ['Success. Updated the following files:', ...summary, ''].join('\n')
}

/** The tool `apply_patch`. */
export function applyPatchTool(binding: CapabilityBinding, needsApproval: CustomTool['needsApproval']): CustomTool {
  return {
    type: 'custom',
    name: 'apply_patch',
    description: DESCRIPTION,
    grammar: { syntax: 'lark', definition: PATCH_GRAMMAR },
    argument: { name: 'input', description: 'The whole patch, from "*** Begin Patch" to "*** End Patch".' },
    // A second application does not fit any more: what became of the first must be looked at.
    isIdempotent: false,
    needsApproval,
    invoke: (text, call) =>
      readable('apply_patch', call, (workspace) => applyPatch(workspace, text, { cwd: binding.cwd, signal: call.signal })),
  }
}
