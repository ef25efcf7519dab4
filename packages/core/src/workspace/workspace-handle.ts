import type { Command, CommandLine, ExecOptions, ExecResult, SpawnOptions } from './command.ts'

export type FileType = 'file' | 'directory' | 'symlink' | 'other'

export interface FileStat {
  readonly type: FileType
  /** Bytes of a file; 0 for what is none. */
  readonly size: number
  /** Permission bits. */
  readonly mode: number
  /** Time inside of the sandbox, in milliseconds since 1970; not comparable with the clock of the harness. */
  readonly modifiedAt: number
}

export interface ListEntry extends FileStat {
  /** The name within the directory; bytes that are no UTF-8 become U+FFFD. */
  readonly name: string
}

export interface FileOptions {
  readonly signal?: AbortSignal | undefined
}

export interface ReadOptions extends FileOptions {
  /** Throws `fs.failed` when the file has more. Default 64 MiB; `readStream` has no default. */
  readonly maxBytes?: number | undefined
}

export interface WriteOptions extends FileOptions {
  /** Permission bits of a new file. Default 0o644; an existing file keeps its own. */
  readonly mode?: number | undefined
}

/**
 * The workspace as tools and third-party code see it: commands and files, within the policy. Paths are relative to
 * the workspace; they and what links lead to stay within it, or the call throws `path.escapes-workspace`.
 */
export interface WorkspaceHandle {
  /** The absolute path inside of the sandbox. */
  readonly root: string
  /** The name of the provider. */
  readonly provider: string
  /** Whether commands can run on a terminal. */
  readonly hasPty: boolean
  /**
   * Runs a command to its end. A non-zero exit is a result.
   *
   * @throws `exec.spawn-failed`, `exec.lost`, `policy.denied`, `path.*`, `sandbox.gone`, `sandbox.closed`.
   */
  exec(command: CommandLine, options?: ExecOptions): Promise<ExecResult>
  /** Starts a command and gives a handle to it. Throws as `exec`. */
  spawn(command: CommandLine, options?: SpawnOptions): Promise<Command>
  /** A command that was started before, by this or another process, from the beginning of its output. Throws `exec.lost`. */
  attach(opId: string): Promise<Command>
  /** @throws `fs.not-found`, `fs.is-directory`, `fs.denied`, `path.*`. */
  readFile(path: string, options?: ReadOptions): Promise<Uint8Array>
  readText(path: string, options?: ReadOptions): Promise<string>
  readStream(path: string, options?: ReadOptions): AsyncIterable<Uint8Array>
  /** Writes the whole file at once: a reader sees the old or the new content. Missing directories are made. */
  writeFile(path: string, data: string | Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<void>
  list(path: string, options?: FileOptions): Promise<readonly ListEntry[]>
  /** Of the link itself, when the path is one. `undefined` when nothing is there. */
  stat(path: string, options?: FileOptions): Promise<FileStat | undefined>
  /** Removes a file, a link, or a directory. A missing path is `fs.not-found` unless `force`. */
  remove(path: string, options?: FileOptions & { recursive?: boolean; force?: boolean }): Promise<void>
  /** Makes a directory and those above. One that is there is no error. */
  mkdir(path: string, options?: FileOptions & { mode?: number }): Promise<void>
  /** Renames within the workspace; replaces a file. */
  rename(from: string, to: string, options?: FileOptions): Promise<void>
}
