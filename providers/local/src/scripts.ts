/**
 * The keeper, on the host: runs the sandbox, and removes all of it when it has ended. A part of it, the watch, makes the
 * FIFOs meanwhile, kills the sandbox when the last lease has run out, and holds `life` open until the keeper does. To end
 * a sandbox early, its first process is killed, whose id is in `info`; no signal is trapped, since shells lose some.
 * bubblewrap outside ends with the loop inside, while its process 1 goes on for what else runs: unless that is dead, the
 * keeper looks for whatever carries the id and kills it. What is frozen dies when it is thawed. The sandbox runs in the
 * foreground, since a shell makes what it starts behind ignore SIGINT. The mark `ended` is written before the leases are
 * read for the last time, so that a prolonging that does not see it counts.
 * On version 1 a process joins its groups by `tasks`: by `cgroup.procs` the kernel lets it wait for milliseconds.
 * $1 directory, $2 isolation, $3 directory of the first FIFOs, $4 their number of sets; the rest is the command.
 */
const KEEPER = `cd "$1" || exit 70
dir=$1 isolation=$2 pool=$3 sets=$4 runtime=\${0%/*}
shift 4
first() {
  child=
  [ -s info ] && while read -r key value; do [ "$key" = '"child-pid":' ] && child=\${value%,}; done <info
  [ -n "$child" ]
}
thaw() {
  while read -r group; do
    [ ! -e "$group/freezer.state" ] || echo THAWED >"$group/freezer.state"
    [ ! -e "$group/cgroup.freeze" ] || echo 0 >"$group/cgroup.freeze"
  done <cgroups
}
end() {
  until first || [ -e over ]; do sleep 0.02; done
  [ -e over ] || kill -KILL "$child"
  while :; do
    thaw
    sleep 0.1
  done
}
left() {
  read -r up rest </proc/uptime
  up=\${up%.*}\${up#*.} left=0
  for lease in lease.*; do
    read -r until <"$lease" && [ $((until - up)) -gt $left ] && left=$((until - up))
  done
}
watch() {
  mkfifo -m 666 life requests/commands $names || end
  exec 8<>life 9<>requests/commands >/dev/null 2>&1
  while :; do
    left
    if [ "$left" -le 0 ]; then
      : >ended
      left
      [ "$left" -gt 0 ] || end
      rm -f ended
    fi
    [ "$left" -gt 6000 ] && left=6000
    part=$((left % 100))
    [ "$part" -lt 10 ] && part=0$part
    sleep "$((left / 100)).$part" 8>&- 9>&-
  done
}
sweep() {
  id=\${dir##*/}
  if [ "$isolation" = none ]; then what=environ mark=RINGFENCE_SANDBOX=$id; else what=cmdline mark=$id; fi
  left=some
  while [ -n "$left" ]; do
    left=
    for one in $(grep -lszx "$mark" /proc/[0-9]*/$what); do
      one=\${one#/proc/} one=\${one%/*}
      [ "$one" = $$ ] || [ "$one" = "$watch" ] || { kill -KILL "$one" && left=some; }
    done
    thaw
  done
}
ungroup() {
  tries=0
  until [ $# -eq 0 ] || rmdir "$@" || [ $tries -gt 200 ]; do
    tries=$((tries + 1))
    sleep 0.05
    for group; do
      shift
      [ -d "$group" ] && set -- "$@" "$group"
    done
  done
}
names=
while [ "$sets" -gt 0 ]; do
  sets=$((sets - 1))
  names="$names $pool/$sets.i $pool/$sets.o $pool/$sets.e $pool/$sets.x"
done
watch &
watch=$!
exec 6>&1 7>&2 >/dev/null 2>&1
(
  exec >&6 2>&7 6>&- 7>&-
  [ -e ended ] && exit
  while read -r group; do
    if [ -e "$group/tasks" ]; then echo 0 >"$group/tasks"; else echo 0 >"$group/cgroup.procs"; fi || exit 72
  done <cgroups
  umask 022
  unset PWD OLDPWD
  [ "$isolation" = none ] || exec "$@" 3<arguments 4<"$runtime/seccomp" 5>info
  read -r self rest </proc/self/stat
  echo "\\"child-pid\\": $self" >info
  exec "$@"
)
[ -p life ] && exec 8<>life
: >ended
: >over
[ "$isolation" = process ] && first && ! kill -0 "$child" || sweep
kill -STOP "$watch"
read -r naps <"/proc/$watch/task/$watch/children"
kill -KILL $naps "$watch"
wait "$watch"
set --
while read -r group; do set -- "$@" "$group"; done <cgroups
cd ..
ungroup "$@" &
rm -rf -- "$dir" || { chmod -R u+rwx -- "$dir"; rm -rf -- "$dir"; }
wait
`

/**
 * The loop inside: starts processes and signals groups. $1 directory of the scripts, $2 of the requests,
 * $3 to $5 limits of processes, of file blocks and of seconds, or "-"; $6 the workspace. "command eval" keeps a shell
 * alive that cannot fork.
 */
const LOOP = `scripts=$1 requests=$2
[ "$3" = - ] || ulimit -u "$3" 2>/dev/null || ulimit -p "$3" || exit 73
[ "$4" = - ] || ulimit -f "$4" || exit 73
[ "$5" = - ] || ulimit -t "$5" || exit 73
cd "$6" || exit 74
until [ -p "$requests/commands" ]; do sleep 0.01; done
exec <"$requests/commands"
echo ready
exec >/dev/null 2>&1
begin() {
  command eval 'setsid --fork /bin/sh "$scripts/waiter" "$scripts/$1" "$requests/$2" </dev/null' ||
    printf 'no process can be made, the limit is reached\\nexit 254\\n' 1<>"$requests/$2.x"
}
while read -r what one two; do
  case $what in
    launch | terminal) begin "$what" "$one" ;;
    kill) case $two in '' | *[!0-9]*) ;; *) kill "-$one" "-$two" ;; esac ;;
  esac
done
`

/**
 * Waits for one process from outside of its group, and tells how it ended. It holds the outputs open for reading, so
 * that a process does not die by SIGPIPE when its reader does. setsid says on fd 2 when a signal ended the process.
 */
const WAITER = `exec 3<>"$2.x" 5<>"$2.o" 6<>"$2.e"
setsid --fork --wait /bin/sh "$1" "$2" >/dev/null 2>&3 5>&- 6>&-
echo "exit $?" >&3
`

/**
 * Reads the words of a process, which are in a file of the read-only directory, and looks for its program: what is only a
 * word of the shell, such as "cd", is none. The language is the process's alone: the programs around it start faster without.
 */
const PREPARE = `slot=$1
. "$slot.a"
found() { [ -x "$1" ] && [ ! -d "$1" ]; }
case $1 in
  */*) found "$1" ;;
  *)
    set -f
    IFS=:
    for at in $PATH; do found "\${at:-.}/$1" && break; done
    ;;
esac || { echo missing >&3; exit 127; }
set +f
unset IFS
export LANG=C.UTF-8`

/** Becomes the process. The session and the group are its own. */
const LAUNCH = `${PREPARE}
exec <"$input" >"$slot.o" 2>"$slot.e"
echo "pid $$" >&3
exec "$@" 3>&-
`

/** As LAUNCH, on a terminal of its own, which script(1) makes. */
const TERMINAL = `${PREPARE}
command -v script >/dev/null || { echo "missing script" >&3; exit 127; }
exec <"$slot.i" >"$slot.o" 2>"$slot.e"
echo "script $$" >&3
export SHELL=/bin/sh TERM=xterm-256color RINGFENCE_SLOT="$slot"
exec script -qec '. "$RINGFENCE_SLOT.a"
unset RINGFENCE_SLOT
stty columns "$columns" rows "$rows"
tty=$(tty)
echo "pid $$ \${tty##*/}" >&3
exec "$@" 3>&-' /dev/null
`

/** The scripts by the name of their file. They are shared by all sandboxes of one version. */
export const SCRIPTS: Readonly<Record<string, string>> = { keeper: KEEPER, loop: LOOP, waiter: WAITER, launch: LAUNCH, terminal: TERMINAL }
