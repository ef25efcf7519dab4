/** Where the volume of a sandbox is: what belongs to it and is no part of the workspace. */
export const VOLUME = '/ringfence'
export const WORKSPACE = '/workspace'
export const CONTROL = `${VOLUME}/control`
export const HOME = `${VOLUME}/home`
const LEASE = `${VOLUME}/lease`

/**
 * Who the init and the leases belong to: commands, which run as somebody else, can neither end the one nor prolong the
 * others. It is below 65,536, so that it is there in the user namespaces of rootless engines.
 */
export const KEEPER = 64_931

/**
 * The first process. $1: seconds to live. Ends, and all with it, when that and each lease have run out. The mark `ended`
 * is written before the leases are read for the last time, so that a prolonging that does not see it counts. It looks
 * once a minute at least, since a machine that slept wakes a sleeper late.
 */
export const INIT = `dir=${LEASE}
cd /
read -r up rest </proc/uptime || exit 70
first=$((\${up%%.*} + $1))
rm -f "$dir/ended"
left() {
  until=$first
  for lease in "$dir"/holder.*; do
    [ -f "$lease" ] && read -r one <"$lease" && [ "$one" -gt "$until" ] && until=$one
  done
  read -r up rest </proc/uptime || exit 70
  left=$((until - \${up%%.*}))
}
echo ready
exec >/dev/null 2>&1 </dev/null
while :; do
  left
  if [ "$left" -le 0 ]; then
    : >"$dir/ended"
    left
    [ "$left" -gt 0 ] || exit 0
    rm -f "$dir/ended"
  fi
  [ "$left" -gt 60 ] && left=60
  sleep "$left" || exit 71
done`

/** Prolongs a life. $1: the holder, $2: seconds from now. A lease is renamed into its place, never half written. */
export const EXTEND = `dir=${LEASE}
read -r up rest </proc/uptime || exit 70
until=$((\${up%%.*} + $2))
old=0
[ -f "$dir/holder.$1" ] && read -r old <"$dir/holder.$1"
if [ "$until" -gt "$old" ]; then
  echo "$until" >"$dir/new.$1.$$" && mv -f "$dir/new.$1.$$" "$dir/holder.$1" || exit 71
fi
while [ -e "$dir/ended" ]; do sleep 1; done`

/** Becomes a process on a terminal of a size. Its first line is for the provider: process id, and whether the size is set. */
export const TERMINAL = `stty columns "$1" rows "$2" 2>/dev/null
echo "ringfence $$ $?"
shift 2
exec "$@"`

/** Hangs up the terminal of a session whose leader is $1. */
export const HANG_UP = 'kill -s HUP "$1" 2>/dev/null; kill -s CONT "$1" 2>/dev/null; :'

/** Seconds that are no less than these milliseconds, one more for the part of a second that is not counted inside. */
export function secondsOf(ms: number): number {
  return Math.min(Math.ceil(ms / 1000) + 1, Number.MAX_SAFE_INTEGER / 1000)
}

/** The folders of a volume: name, mode, and whether they belong to the keeper. */
export const FOLDERS: readonly { readonly name: string; readonly mode: number; readonly kept: boolean }[] = [
  { name: 'control/', mode: 0o700, kept: false },
  { name: 'home/', mode: 0o700, kept: false },
  { name: 'lease/', mode: 0o700, kept: true },
]
