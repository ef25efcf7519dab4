import { routine } from '../shell/script.ts'
import { REACH } from './reach-script.ts'
import { CODE } from './script-codes.ts'

/** What is read at once. */
export const SOME_BYTES = 131_072

/** Type and mode in hex, bytes, seconds, `./name`. A name holds no `/`, which makes the records unambiguous. */
const STAT = "stat -c '%f %s %Y %n'"

/** `readable PATH` enters the directory of a file and finds out whether the file can be read. */
const READING = `${REACH}
readable() {
  p=$1; L=1
  reach || return
  if [ -f "./$N" ] && [ -r "./$N" ]; then return 0; fi
  if [ -d "./$N" ]; then return ${CODE.isDirectory}; fi
  [ -e "./$N" ] || return ${CODE.notFound}
  [ -f "./$N" ] || return ${CODE.special}
  return ${CODE.denied}
}
`

/** A link that is put in the place of the file after it was checked is not followed. */
const DD = `dd if="./$N" iflag=nofollow,nonblock,fullblock bs=${SOME_BYTES} status=none`

/** Prints a file, or the first {@link SOME_BYTES} of it: root, path. */
export const READ_SOME = routine('rf_read_some', `enter "$1" && readable "$2" && ${DD} count=1`, READING)

/**
 * Prints a file: root, path, way (`dd`, `plain` or nothing), `1` to begin with a line that tells the code.
 *
 * Where `dd` is not that of coreutils, the shell opens the file, and what was opened is looked at before it is read; that costs
 * one process more.
 */
export const READ = routine(
  'rf_read_file',
  `
S=$4; X=
enter "$1" && readable "$2" || refuse $?
case $3 in
  dd) ;;
  plain) X=0 ;;
  *) dd if=/dev/null iflag=nofollow,nonblock,fullblock status=none 2>/dev/null || X=${CODE.readPlainly} ;;
esac
if [ -z "$X" ]; then
  [ -z "$S" ] || echo 0
  ${DD}; exit
fi
{
  t=$(readlink /proc/self/fd/9) || refuse ${CODE.denied}
  case $t in "$r"/*) ;; *) refuse ${CODE.escapes} ;; esac
  [ -z "$S" ] || { echo 0; X=0; }
  cat <&9 || exit 1
  exit $X
} 9<"./$N"
refuse ${CODE.denied}`,
  `${READING}
refuse() { [ -z "$S" ] || { echo "$1"; exit 0; }; exit "$1"; }`,
)

/** Prints the state of a path, of a link itself: root, path. */
export const STAT_PATH = routine(
  'rf_stat_path',
  `
enter "$1" || return
p=$2; reach || return
[ -e "./$N" ] || [ -h "./$N" ] || return ${CODE.notFound}
need stat && ${STAT} "./$N"`,
  REACH,
)

/** Prints the state of all that is in a directory: root, path. Those that vanish meanwhile are left out. */
export const LIST = routine(
  'rf_list',
  `
enter "$1" || exit
p=$2/; reach || exit
[ -r . ] || exit ${CODE.denied}
need stat || exit
set -- ./* ./.[!.]* ./..?*
if [ $# -le 2000 ]; then
  ${STAT} "$@" 2>/dev/null
else
  need xargs || exit
  printf '%s\\0' "$@" | xargs -0 ${STAT} 2>/dev/null
fi
exit 0`,
  REACH,
)
