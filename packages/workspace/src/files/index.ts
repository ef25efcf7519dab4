export type { Files, OpenFilesOptions } from './files.ts'
export { openFiles } from './open-files.ts'
export { workspaceRelative } from './workspace-relative.ts'
