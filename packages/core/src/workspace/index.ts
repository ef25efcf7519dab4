export type { Command, CommandExit, CommandInput, CommandLine, CommandOptions, ExecOptions, ExecResult, SpawnOptions } from './command.ts'
export type { FileOptions, FileStat, FileType, ListEntry, ReadOptions, WorkspaceHandle, WriteOptions } from './workspace-handle.ts'
