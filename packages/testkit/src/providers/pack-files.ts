import { type Sandbox, throwIfAborted } from '@ringfence/core'
import { finish } from '../provider-suite/subject.ts'

/** What the default user of a sandbox has written, as an archive a place. */
export type KeptFiles = ReadonlyMap<string, Uint8Array>

/** A line a place: the directory itself, without links. */
const PLACES = `cd -- "$1" && echo "workspace $(pwd -P)"
[ "$2" = shared ] && exit
[ -n "$HOME" ] && cd -- "$HOME" && [ -w . ] && echo "home $(pwd -P)"
cd /var/tmp && [ -w . ] && echo "temporary $(pwd -P)"
exit 0`

/** $1: the place, $2: what to leave out. The place itself is not a member: it may belong to somebody else. */
const PACK = `cd -- "$1" || exit
left=$2
shift 2
for one in * .[!.]* ..?*; do
  if [ -e "$one" ] || [ -L "$one" ]; then set -- "$@" "./$one"; fi
done
[ $# -gt 0 ] || exit 0
exec tar -cf - \${left:+"--exclude=$left"} "$@" 2>/dev/null`

/** $1: the file, $2: a piece of it. */
const ADD = `umask 077; printf %s "$2" | base64 -d >>"$1"`
/** $1: the place, $2: the file, which goes. */
const UNPACK = `cd -- "$1" && tar -xpf "$2"; code=$?; rm -f "$2"; exit "$code"`

/** Room for a script and a path, of the bytes that arguments may have. */
const SCRIPT_BYTES = 4096
/** Linux takes no longer argument, whatever the wire takes. */
const MOST_ARGUMENT_BYTES = 98_304

const isBelow = (path: string, directory: string): boolean => `${path}/`.startsWith(`${directory}/`)

/** The places of a sandbox. Without isolation all but the workspace is the machine's. */
async function placesOf(sandbox: Sandbox, signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
  const reach = sandbox.profile.isolation === 'none' ? 'shared' : 'own'
  const { stdout } = await finish(await sandbox.spawn(['sh', '-c', PLACES, 'sh', sandbox.info.workspace, reach], { signal }))
  const places = new Map<string, string>()
  for (const line of stdout.toString().split('\n')) {
    const at = line.indexOf(' ')
    const path = line.slice(at + 1)
    const known = [...places.values()].some((one) => isBelow(path, one) || isBelow(one, path))
    if (at > 0 && path !== '/' && !known) places.set(line.slice(0, at), path)
  }
  return places
}

/**
 * Reads all that the default user has written.
 *
 * @returns `undefined` when a part of it cannot be read.
 */
export async function packFiles(sandbox: Sandbox, signal: AbortSignal | undefined): Promise<KeptFiles | undefined> {
  const { controlDirectory } = sandbox.info
  const kept = new Map<string, Uint8Array>()
  for (const [name, path] of await placesOf(sandbox, signal)) {
    const left = controlDirectory !== undefined && isBelow(controlDirectory, path) ? `.${controlDirectory.slice(path.length)}` : ''
    const { stdout, code } = await finish(await sandbox.spawn(['sh', '-c', PACK, 'sh', path, left], { signal }))
    if (code !== 0) return undefined
    kept.set(name, stdout)
  }
  return kept
}

/**
 * Writes them into a new sandbox.
 *
 * @returns whether all of it is there.
 */
export async function unpackFiles(sandbox: Sandbox, kept: KeptFiles, name: string, signal: AbortSignal | undefined): Promise<boolean> {
  const file = `${sandbox.info.workspace}/.${name}`
  const room = Math.min(sandbox.profile.wire.maxArgvBytes, MOST_ARGUMENT_BYTES) - SCRIPT_BYTES - Buffer.byteLength(file)
  // Base64 makes four characters of three bytes.
  const piece = Math.floor(room / 4) * 3
  for (const [place, path] of await placesOf(sandbox, signal)) {
    const archive = kept.get(place)
    if (!archive || archive.length === 0) continue
    for (let at = 0; at < archive.length; at += piece) {
      throwIfAborted(signal)
      const text = Buffer.from(archive.subarray(at, at + piece)).toString('base64')
      if ((await finish(await sandbox.spawn(['sh', '-c', ADD, 'sh', file, text], { signal }))).code !== 0) return false
    }
    if ((await finish(await sandbox.spawn(['sh', '-c', UNPACK, 'sh', path, file], { signal }))).code !== 0) return false
  }
  return true
}
