import { isAbsolute, normalize } from 'node:path'
import { errors } from './errors.ts'

/** Options of {@link local}. All may be left out. */
export interface LocalOptions {
  /**
   * The absolute path of a directory for the sandboxes, on a disk: it holds their workspaces. It is made when it is
   * missing, and must belong to the user of the harness alone. Default: `/var/tmp/ringfence-local-<uid>`.
   */
  readonly directory?: string | undefined
  /**
   * Absolute paths of the host that are shown inside, read-only, at the same place. A Unix socket below one of them can
   * be connected to from inside. Default: none beyond the system.
   */
  readonly readOnlyPaths?: readonly string[] | undefined
  /** `none` runs commands as the harness itself, with all that it may do. Default: isolated by bubblewrap. */
  readonly isolation?: 'none' | undefined
  /** The absolute path of the `bwrap` program. Default: looked up in `/usr/bin` and in the PATH. */
  readonly bubblewrap?: string | undefined
}

/** The options with their defaults and checked. */
export interface Settings {
  readonly directory: string
  readonly readOnlyPaths: readonly string[]
  readonly isolation: 'process' | 'none'
  readonly bubblewrap: string | undefined
}

const KNOWN = ['directory', 'readOnlyPaths', 'isolation', 'bubblewrap']
/** What is built or covered inside: showing the host's would open what is closed. */
const COVERED = ['/', '/proc', '/dev', '/sys', '/run', '/tmp', '/var/run', '/var/tmp', '/workspace', '/ringfence', '/home/sandbox']

/** Checks options, without I/O. Throws `config.invalid`. */
export function settingsOf(options: LocalOptions): Settings {
  for (const key of Object.keys(options)) {
    if (!KNOWN.includes(key)) throw invalid(`The option "${key}" is not known`, `Use ${KNOWN.join(', ')}.`)
  }
  if (options.isolation !== undefined && options.isolation !== 'none')
    throw invalid(`The isolation "${String(options.isolation)}" is not known`, 'Leave it out, or write "none" to run without any.')
  const readOnlyPaths = (options.readOnlyPaths ?? []).map((path) => absolute('readOnlyPaths', path))
  for (const path of readOnlyPaths) {
    if (COVERED.some((covered) => covered === path || (covered !== '/' && path.startsWith(`${covered}/`))))
      throw invalid(`The path "${path}" of readOnlyPaths cannot be shown inside`, 'Name a directory that is no part of the built system.')
  }
  return {
    directory:
      options.directory === undefined ? `/var/tmp/ringfence-local-${process.getuid?.() ?? 0}` : absolute('directory', options.directory),
    readOnlyPaths,
    isolation: options.isolation === 'none' ? 'none' : 'process',
    bubblewrap: options.bubblewrap === undefined ? undefined : absolute('bubblewrap', options.bubblewrap),
  }
}

function absolute(option: string, path: string): string {
  if (typeof path !== 'string' || !isAbsolute(path) || /[\0\n]/.test(path))
    throw invalid(`The option ${option} holds "${String(path)}", which is no absolute path`, 'Write the whole path, from "/" on.')
  const normal = normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}

function invalid(message: string, hint: string): Error {
  return errors.invalid('provider.options', message, hint)
}
