/** The format of patches, for services that hold a model to a grammar. */
export const PATCH_GRAMMAR: string = `start: "*** Begin Patch" LF section+ "*** End Patch" LF?
section: added_file | deleted_file | updated_file
added_file: "*** Add File: " path LF added_line+
deleted_file: "*** Delete File: " path LF
updated_file: "*** Update File: " path LF (moved hunk* | hunk+)
moved: "*** Move to: " path LF
hunk: anchor+ changed_line+ file_end?
anchor: "@@" LF | "@@ " /(.+)/ LF
added_line: "+" /(.+)/? LF
changed_line: ("+" | "-" | " ") /(.+)/? LF
file_end: "*** End of File" LF
path: /(.+)/
%import common.LF
`
