/** Where the volume of a sandbox is: what belongs to it and is no part of the workspace. */
export const VOLUME = '/ringfence'
export const WORKSPACE = '/workspace'
export const CONTROL = `${VOLUME}/control`

/** The home of users that have none in the image. It is among the files of a snapshot, but below a read-only root in the volume. */
export const homeIn = (isReadOnly: boolean): string => (isReadOnly ? `${VOLUME}/home` : '/home/ringfence')

/** The folder of the keeper, which nobody else inside can look into, and what is in it. */
export const LEASE = `${VOLUME}/lease`
/** A file with the uptime that the container sees. It is written once a minute at least. */
export const NOW = 'now'
/** How the names of files begin that hold the uptime until which the container lives at least. */
export const UNTIL = 'until.'
/** There while the first process looks for the last time. */
export const ENDED = 'ended'

/**
 * Who the init and the leases belong to: commands, which run as somebody else, can neither end the one nor prolong the
 * others. It is below 65,536, so that it is there in the user namespaces of rootless engines.
 */
export const KEEPER = 64_931

/**
 * The first process. $1: seconds to live. Ends, and all with it, when each lease has run out. The mark that it ends is
 * written before the leases are read for the last time, so that a prolonging that does not see it counts. It looks once a
 * minute at least, since a machine that slept wakes a sleeper late.
 */
export const INIT = `cd ${LEASE} || exit 70
look() {
  read -r up rest </proc/uptime || exit 70
  up=\${up%%.*} until=0
  echo "$up" >new && mv -f new ${NOW}
  for lease in ${UNTIL}*; do
    [ -f "$lease" ] && read -r one <"$lease" && [ "$one" -gt "$until" ] && until=$one
  done
  left=$((until - up))
}
read -r up rest </proc/uptime && echo "$((\${up%%.*} + $1))" >${UNTIL}first || exit 70
look
echo ready
exec >/dev/null 2>&1 </dev/null
while :; do
  if [ "$left" -le 0 ]; then
    : >${ENDED}
    look
    [ "$left" -gt 0 ] || exit 0
    rm -f ${ENDED}
  fi
  [ "$left" -gt 60 ] && left=60
  sleep "$left" || exit 71
  look
done`

/** Becomes a process on a terminal of a size. Its first line is for the provider: process id, and whether the size is set. */
export const TERMINAL = `stty columns "$1" rows "$2" 2>/dev/null
echo "ringfence $$ $?"
shift 2
exec "$@"`

/** Hangs up the terminal of a session whose leader is $1. */
export const HANG_UP = 'kill -s HUP "$1" 2>/dev/null; kill -s CONT "$1" 2>/dev/null; :'

/** Longer than any machine runs, and short enough for the arithmetic of any shell. */
const LONGEST_S = 1e12

/** Seconds that are no less than these milliseconds, one more for the part of a second that is not counted inside. */
export function secondsOf(ms: number): number {
  return Math.min(Math.ceil(ms / 1000) + 1, LONGEST_S)
}
