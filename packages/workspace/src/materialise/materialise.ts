import { type Clock, type Entry, isWithin, type Manifest, RingfenceError } from '@ringfence/core'
import { byteKey, type PackMember, showBytes, unpack } from '../archive/index.ts'
import type { SandboxShell } from '../shell/sandbox-shell.ts'
import { type EntryContext, entryMembers } from './entry-members.ts'
import { type LeftOut, leftOutList } from './left-out.ts'

export interface MaterialiseProgress {
  /** Files, folders and links on their way so far. */
  readonly files: number
  /** Of their content. */
  readonly bytes: number
  /** All of it is there. */
  readonly done: boolean
}

export interface MaterialiseOptions {
  readonly shell: SandboxShell
  /** The absolute path of the workspace inside. */
  readonly root: string
  readonly manifest: Manifest
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
  /** Told now and then, and once at the end. */
  readonly onProgress?: ((progress: MaterialiseProgress) => void) | undefined
  /** `ephemeral`: only such entries and what lies below them, which is what a restored snapshot lacks. Default: all. */
  readonly only?: 'ephemeral' | undefined
}

export interface Materialised {
  readonly files: number
  readonly bytes: number
  /** What of local sources was not taken. At most 1000. */
  readonly leftOut: readonly LeftOut[]
  /** So many more were left out. */
  readonly moreLeftOut: number
  /** Paths of the manifest that snapshots leave out. */
  readonly ephemeral: readonly string[]
}

const PROGRESS_FILES = 500
const PROGRESS_BYTES = 8 * 1024 * 1024

type Entries = readonly (readonly [string, Entry])[]

/** Where entries put something into directories that may be there already. */
function directoriesOf(entries: Entries): string[] {
  const paths = new Set<string>()
  for (const [path, entry] of entries) {
    const directory = entry.type === 'file' || entry.type === 'localFile' ? path.slice(0, Math.max(0, path.lastIndexOf('/'))) : path
    if (directory !== '') paths.add(directory)
  }
  return [...paths]
}

/** An entry below a link that another one brought would be written to wherever that link leads. */
function refuseBelowLink(path: string, links: ReadonlySet<string>): void {
  const key = byteKey(Buffer.from(path))
  for (let end = key.indexOf('/'); end >= 0; end = key.indexOf('/', end + 1))
    if (links.has(key.slice(0, end)))
      throw new RingfenceError(
        'config.invalid',
        `The entry "${path}" lies below "${showBytes(Buffer.from(key.slice(0, end), 'latin1'))}", which its source makes a link`,
        {
          hint: 'Move the entry, or name the place that the link leads to.',
        },
      )
}

async function* membersOf(entries: Entries, context: EntryContext): AsyncGenerator<PackMember> {
  const links = new Set<string>()
  for (const [path, entry] of entries) {
    if (links.size > 0) refuseBelowLink(path, links)
    for await (const member of entryMembers(path, entry, context)) {
      if (member.type === 'symlink') links.add(byteKey(member.path))
      yield member
    }
  }
}

/**
 * Brings the entries of a manifest into the workspace: one stream, one request, whatever their number. All of it belongs to the
 * user inside. Directories above entries are made with the mode 0755.
 *
 * @throws `source.*`, `git.failed`, `config.invalid`, `path.escapes-workspace`, `feature.unsupported` (no tar inside), `fs.*`; the
 *   reason of the signal. A part may be there then.
 */
export async function materialise(options: MaterialiseOptions): Promise<Materialised> {
  const { shell, root, manifest, clock, signal, onProgress, only } = options
  const all = Object.entries(manifest.entries)
  const ephemeral = all.filter(([, entry]) => entry.ephemeral).map(([path]) => path)
  const entries = only === 'ephemeral' ? all.filter(([path]) => ephemeral.some((above) => isWithin(path, above))) : all
  const leftOut = leftOutList()
  let files = 0
  let bytes = 0
  const told = { files: 0, bytes: 0 }

  async function* counting(members: AsyncIterable<PackMember>): AsyncGenerator<PackMember> {
    for await (const member of members) {
      yield member
      files++
      bytes += member.size
      if (files - told.files < PROGRESS_FILES && bytes - told.bytes < PROGRESS_BYTES) continue
      told.files = files
      told.bytes = bytes
      onProgress?.({ files, bytes, done: false })
    }
  }

  const guarded = directoriesOf(entries)
  if (entries.length > 0)
    await unpack({
      shell,
      root,
      members: (inner) => counting(membersOf(entries, { clock, leftOut, signal: inner })),
      guarded,
      operation: 'materialise',
      signal,
    })
  onProgress?.({ files, bytes, done: true })
  return { files, bytes, leftOut: leftOut.items, moreLeftOut: leftOut.more, ephemeral }
}
