import { z } from 'zod'

const modeSchema = z.int().min(0).max(0o777)

const common = {
  /** Permission bits. Default: 0o644 for files, 0o755 for directories, what the source has for the rest. */
  mode: modeSchema.optional(),
  /** Left out of snapshots, and put anew on a restore. Default false. */
  ephemeral: z.boolean().optional(),
  /** A line for the model: what this is for. */
  description: z.string().optional(),
}

export const entrySchema = z.discriminatedUnion('type', [
  /** A file with this content: text, or bytes as base64. */
  z.strictObject({ type: z.literal('file'), content: z.union([z.string(), z.strictObject({ base64: z.base64() })]), ...common }),
  /** An empty directory. Directories above entries are made without being named. */
  z.strictObject({ type: z.literal('dir'), ...common }),
  /** A file of the machine of the harness. Links are refused. */
  z.strictObject({ type: z.literal('localFile'), source: z.string().min(1), ...common }),
  /**
   * A folder of the machine of the harness, with execute bits and inner links. In a git work tree what git ignores is
   * left out, unless `gitignore` is false; `.git` is always left out.
   */
  z.strictObject({ type: z.literal('localDir'), source: z.string().min(1), gitignore: z.boolean().optional(), ...common }),
  /**
   * A git repository: a path of the machine of the harness, or a URL that the harness fetches. Tracked files, and a
   * fresh `.git` without remotes, configuration or hooks.
   */
  z.strictObject({ type: z.literal('gitRepo'), source: z.string().min(1), ref: z.string().min(1).optional(), ...common }),
])

export type Entry = z.output<typeof entrySchema>
export type EntryType = Entry['type']
export type EntryOf<T extends EntryType> = Extract<Entry, { type: T }>

type EntryOptions<T extends EntryType, Own extends string> = Omit<EntryOf<T>, 'type' | Own>

/** A file of the given content. */
export function file(content: string | Uint8Array, options: EntryOptions<'file', 'content'> = {}): EntryOf<'file'> {
  return { type: 'file', content: typeof content === 'string' ? content : { base64: Buffer.from(content).toString('base64') }, ...options }
}

/** An empty directory. */
export function dir(options: EntryOptions<'dir', never> = {}): EntryOf<'dir'> {
  return { type: 'dir', ...options }
}

/** A file of this machine. */
export function localFile(source: string, options: EntryOptions<'localFile', 'source'> = {}): EntryOf<'localFile'> {
  return { type: 'localFile', source, ...options }
}

/** A folder of this machine. */
export function localDir(source: string, options: EntryOptions<'localDir', 'source'> = {}): EntryOf<'localDir'> {
  return { type: 'localDir', source, ...options }
}

/** A git repository, by path or URL. */
export function gitRepo(source: string, options: EntryOptions<'gitRepo', 'source'> = {}): EntryOf<'gitRepo'> {
  return { type: 'gitRepo', source, ...options }
}
