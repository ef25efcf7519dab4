import type { Files, OpenFilesOptions } from './files.ts'
import { readFiles } from './read-files.ts'
import { writeFiles } from './write-files.ts'

/**
 * The files of a workspace. Each call is one script inside of the sandbox, so that no path of a sandbox is ever opened or
 * resolved on this machine. A stream of more than 256 KiB is written in two.
 */
export function openFiles(options: OpenFilesOptions): Files {
  return { ...readFiles(options), ...writeFiles(options) }
}
