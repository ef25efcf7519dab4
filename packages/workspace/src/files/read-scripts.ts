import { REACH } from './reach-script.ts'
import { CODE } from './script-codes.ts'

/** Type and mode in hex, bytes, seconds, `./name`. A name holds no `/`, which makes the records unambiguous. */
const STAT = "stat -c '%f %s %Y %n'"

const REACH_FILE = `${REACH}
fail() { [ -z "$S" ] || { echo "$1"; exit 0; }; exit "$1"; }
p=$2; S=$4; X=; L=1; reach || fail $?
if [ -d "./$N" ]; then fail ${CODE.isDirectory}; fi
if [ ! -e "./$N" ]; then fail ${CODE.notFound}; fi
if [ ! -f "./$N" ]; then fail ${CODE.special}; fi
if [ ! -r "./$N" ]; then fail ${CODE.denied}; fi
`

/**
 * Prints a file: root, path, way (`dd`, `plain` or nothing), `1` to begin with a line that tells the code.
 *
 * A link that is put in the place of the file after it was checked is not followed: `dd` of coreutils opens it so. Where it
 * cannot, the shell opens the file, and what was opened is looked at before it is read; that costs one process more.
 */
export const READ = `${REACH_FILE}
case $3 in
  dd) ;;
  plain) X=0 ;;
  *) dd if=/dev/null iflag=nofollow,nonblock status=none 2>/dev/null || X=${CODE.readPlainly} ;;
esac
if [ -z "$X" ]; then
  [ -z "$S" ] || echo 0
  exec dd if="./$N" iflag=nofollow,nonblock bs=131072 status=none
fi
{
  t=$(readlink /proc/self/fd/3) || fail ${CODE.denied}
  case $t in "$r"/*) ;; *) fail ${CODE.escapes} ;; esac
  [ -z "$S" ] || { echo 0; X=0; }
  cat <&3 || exit 1
  exit $X
} 3<"./$N"
fail ${CODE.denied}
`

/** Prints the state of a path, of a link itself: root, path. */
export const STAT_PATH = `${REACH}
p=$2; reach || exit $?
[ -e "./$N" ] || [ -h "./$N" ] || exit ${CODE.notFound}
need stat
exec ${STAT} "./$N"
`

/** Prints the state of all that is in a directory: root, path. Those that vanish meanwhile are left out. */
export const LIST = `${REACH}
p=$2/; reach || exit $?
[ -r . ] || exit ${CODE.denied}
need stat
set -- ./* ./.[!.]* ./..?*
if [ $# -le 2000 ]; then
  ${STAT} "$@" 2>/dev/null
else
  need xargs
  printf '%s\\0' "$@" | xargs -0 ${STAT} 2>/dev/null
fi
exit 0
`
