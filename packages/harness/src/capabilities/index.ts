export { type FilesystemOptions, filesystem } from './files/filesystem.ts'
export { type ShellOptions, shell } from './shell/shell.ts'
