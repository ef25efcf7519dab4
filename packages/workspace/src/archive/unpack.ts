import { fsError } from '../files/fs-error.ts'
import { REACH } from '../files/reach-script.ts'
import { CODE } from '../files/script-codes.ts'
import type { SandboxShell, ScriptResult } from '../shell/sandbox-shell.ts'
import { byteKey, type PackMember } from './member.ts'
import { watchStream } from './watch-stream.ts'
import { writeArchive } from './write-archive.ts'

export interface UnpackOptions {
  readonly shell: SandboxShell
  /** The absolute path of the workspace inside. */
  readonly root: string
  /** What goes in. The signal ends with the unpacking, however that ends. */
  readonly members: (signal: AbortSignal) => AsyncIterable<PackMember>
  /**
   * Directories below which members go, relative to the root. Where one of them is there already, it must really lie within
   * the root. Default: none, which is right for an empty root.
   */
  readonly guarded?: readonly string[] | undefined
  /** For errors. */
  readonly operation: string
  readonly signal?: AbortSignal | undefined
}

/** Of paths, in one request. */
const MAX_ARGS_BYTES = 64 * 1024

/** Looks at each guarded directory, and makes the missing ones when `$M` is set. */
const GUARD = `
for q; do
  cd -P "$r/"; p=$q/; reach; s=$?
  case $s in 0|${CODE.notFound}) ;; *) printf %s "$q" >&2; exit $s ;; esac
done
cd -P "$r/"
`
const CHECK = `${REACH}
enter "$1" || exit
shift
${GUARD}`

/**
 * `-o`: what comes belongs to the user inside. `-p`: modes are exact. The umask is for directories that no member names. `-b`: GNU
 * tar reads 64 KiB at once instead of 10.
 *
 * Only GNU tar knows `--force-local`, which changes nothing of a stream; any other refuses it with the code 1 before it reads,
 * which GNU tar never gives when it extracts. The one of busybox sets no modes unless it is root; what it makes has the right
 * ones without a umask, so that no directory is left to it.
 */
const UNPACK = `${REACH}
enter "$1" && need tar || exit
shift
${GUARD}
tar --force-local -b 128 -xopf -; s=$?
[ $s = 1 ] || exit $s
M=1
${GUARD}
umask 0
exec tar -xopf -
`

/** Sets modes: root, then for each directory its mode and its path, escaped for `printf %b`. */
const CHMOD = `${REACH}
enter "$1" || exit
shift
while [ $# -gt 0 ]; do
  cd -P "$r/"; p=$(printf '%b/' "$2"); reach || exit $?
  chmod "$1" . || exit 1
  shift 2
done
`

/** The mode of a directory that the guard makes. */
const GUARD_MODE = 0o755

/**
 * Directories that their owner may not write are made writable, and told, so that they get their mode at the end. So do those that the
 * guard may have made: the tar of busybox leaves the mode of a directory that is there.
 */
async function* madeWritable(
  members: AsyncIterable<PackMember>,
  guarded: ReadonlySet<string>,
  late: PackMember[],
): AsyncGenerator<PackMember> {
  for await (const member of members) {
    const isLate = (member.mode & 0o700) !== 0o700 || (member.mode !== GUARD_MODE && guarded.has(byteKey(member.path)))
    if (member.type === 'directory' && isLate) {
      late.push(member)
      yield { ...member, mode: member.mode | 0o700 }
    } else yield member
  }
}

/** A directory and those above it, as the paths of members are compared. */
function upwards(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, index) => byteKey(Buffer.from(parts.slice(0, index + 1).join('/'))))
}

/** Paths are raw bytes, which no argument can be; octal escapes can. */
function escaped(path: Buffer): string {
  let text = ''
  for (const byte of path)
    text += byte > 0x7e || byte < 0x20 || byte === 0x5c ? `\\0${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte)
  return text
}

/** Splits arguments into groups that fit into a request. There is always one. */
function groupsOf(items: readonly (readonly string[])[]): string[][] {
  const groups: string[][] = [[]]
  let bytes = 0
  for (const item of items) {
    const length = Buffer.byteLength(item.join('')) + item.length
    if (bytes + length > MAX_ARGS_BYTES) {
      groups.push([])
      bytes = 0
    }
    groups.at(-1)?.push(...item)
    bytes += length
  }
  return groups
}

/** The guard says which path it refuses; all else concerns the root. */
function guardedPath({ code, stderr }: ScriptResult, root: string): string {
  return code >= CODE.escapes && code <= CODE.cycle && stderr !== '' ? stderr : root
}

/**
 * Streams members into the `tar` of the sandbox, in one request: the tree is made by the user inside and belongs to them. One request
 * more sets the modes of directories that their owner may not write.
 *
 * @throws `feature.unsupported` when there is no tar, `path.escapes-workspace`, `fs.no-space`, `fs.denied`, `fs.failed`; what
 *   the members throw; the reason of the signal. What was unpacked until then stays.
 */
export async function unpack(options: UnpackOptions): Promise<void> {
  const { shell, root, members, guarded = [], operation, signal } = options
  const groups = groupsOf(guarded.map((path) => [path]))
  const last = groups.pop() ?? []
  for (const group of groups) {
    const result = await shell.run(CHECK, [root, ...group], { signal })
    if (result.code !== 0) throw fsError(operation, guardedPath(result, root), result)
  }
  const late: PackMember[] = []
  const stop = new AbortController()
  const inner = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal
  const source = watchStream(writeArchive(madeWritable(members(inner), new Set(guarded.flatMap(upwards)), late)))
  try {
    const result = await shell.run(UNPACK, [root, ...last], { stdin: source.chunks, signal })
    if (source.failed) throw source.failed.error
    if (result.code !== 0) throw fsError(operation, guardedPath(result, root), result)
  } catch (error) {
    throw source.failed ? source.failed.error : error
  } finally {
    // Its processes and folders are gone before this returns.
    stop.abort()
    await source.chunks.return(undefined)
  }
  if (late.length === 0) return
  // The deepest first: the way to them may be closed afterwards.
  for (const group of groupsOf(late.reverse().map(({ path, mode }) => [mode.toString(8), escaped(path)]))) {
    const result = await shell.run(CHMOD, [root, ...group], { signal })
    if (result.code !== 0) throw fsError(operation, root, result)
  }
}
