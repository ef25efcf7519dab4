import { routine } from '../shell/script.ts'
import { REACH } from './reach-script.ts'
import { CODE } from './script-codes.ts'

/**
 * `target PATH TOKEN` enters the directory of a file that is to be written and makes those that are missing. `$O`: the file is
 * there. `fill MODE UMASK CHMOD CONTENT HOW WHAT` writes the new file `$T` beside it: CONTENT is `format` for a format of
 * `printf` in WHAT, or `stdin` for as many bytes as WHAT says. Nothing in it is readable to more than the mode allows, which is
 * that of the file that is there, or else MODE. A new file is made with 0666 less the umask, so that execute bits alone need a
 * `chmod` (CHMOD). HOW the mode of a file is copied: `chmod` of coreutils takes it from there; `stat` is for others.
 */
const PUTTING = `${REACH}
target() {
  p=$1; T=.ringfence-$2; L=1; M=1; O=; X=0
  reach || return
  if [ ! -e "./$N" ]; then return 0; fi
  if [ -d "./$N" ]; then return ${CODE.isDirectory}; fi
  [ -f "./$N" ] || return ${CODE.special}
  [ -w "./$N" ] || return ${CODE.denied}
  need stat || return
  O=1
}
fill() {
  set -C
  if [ "$O" ]; then umask 077; else umask "$2"; fi
  if [ "$4" = format ]; then
    printf "$6" >"./$T" 2>/dev/null || { set +C; printf "$6" | cat >"./$T"; } || return 1
  else
    cat >"./$T" || return 1
    [ -z "$6" ] || [ $(wc -c <"./$T") -eq "$6" ] || return ${CODE.cut}
  fi
  set +C
  if [ "$O" ]; then
    if [ "$5" != stat ]; then
      if chmod --reference="./$N" "./$T" 2>/dev/null; then return; fi
      X=${CODE.modeByStat}
    fi
    m=$(stat -c %a "./$N") && chmod "$m" "./$T"
  elif [ "$3" ]; then chmod "$1" "./$T"
  fi
}
finish() {
  if [ $1 = 0 ]; then return $X; fi
  rm -f "./$T"
  return $1
}
`

/** Writes a file: root, path, token, mode, umask, chmod, content, how, what. What fails leaves nothing. */
export const WRITE = routine(
  'rf_write_file',
  `
enter "$1" && target "$2" "$3" || return
shift 3
fill "$@" && fence && mv -fT "./$T" "./$N"
finish $?`,
  PUTTING,
)

/** Takes a stream of unknown length into the new file, with the arguments of {@link WRITE}. It is committed apart. */
export const PUT = routine(
  'rf_put_file',
  `
enter "$1" && target "$2" "$3" || return
shift 3
fill "$@"
finish $?`,
  PUTTING,
)

/** Commits what {@link PUT} took, after its source has ended well: root, path, token, length. */
export const COMMIT_PUT = routine(
  'rf_commit_put',
  `
enter "$1" || return
p=$2; T=.ringfence-$3; L=1; X=0; reach || return
whole "$4" && fence && mv -fT "./$T" "./$N"
finish $?`,
  `${PUTTING}
whole() {
  [ -f "./$T" ] && [ ! -h "./$T" ] && [ $(wc -c <"./$T") -eq "$1" ] || return ${CODE.cut}
  [ ! -d "./$N" ] || return ${CODE.isDirectory}
}`,
)

/** Removes what {@link PUT} took, when its source failed: root, path, token. */
export const DROP_PUT = routine(
  'rf_drop_put',
  `
enter "$1" || exit
p=$2; L=1; reach || exit 0
rm -f "./.ringfence-$3"`,
  REACH,
)

/** Removes a path: root, path, recursive, force. */
export const REMOVE = routine(
  'rf_remove',
  `
enter "$1" || exit
p=$2; reach || { s=$?; [ -z "$4" ] || [ $s != ${CODE.notFound} ] || s=0; exit $s; }
if [ ! -e "./$N" ] && [ ! -h "./$N" ]; then [ "$4" ] || exit ${CODE.notFound}; exit 0; fi
fence || exit
if [ ! -d "./$N" ] || [ -h "./$N" ]; then rm -f "./$N"; exit; fi
if [ "$3" ]; then rm -rf "./$N"; exit; fi
rmdir "./$N" && exit 0
cd -P "./$N" 2>/dev/null || exit 1
for f in ./* ./.[!.]* ./..?*; do
  if [ -e "$f" ] || [ -h "$f" ]; then exit ${CODE.notEmpty}; fi
done
exit 1`,
  REACH,
)

/** Makes a directory and those above: root, path, mode. */
export const MKDIR = routine(
  'rf_make_directory',
  `
enter "$1" && fence || exit
p=$2; L=1; M=1
reach || exit
if [ -d "./$N" ]; then exit 0; fi
if [ -e "./$N" ]; then exit ${CODE.exists}; fi
mkdir -m "$3" "./$N" || [ -d "./$N" ]`,
  REACH,
)

/** Renames: root, from, to. The directory of the source stays open while that of the target is entered. */
export const RENAME = routine(
  'rf_rename',
  `
enter "$1" || exit
p=$2; reach || exit
[ -e "./$N" ] || [ -h "./$N" ] || exit ${CODE.notFound}
F=$N; D=; if [ -d "./$F" ] && [ ! -h "./$F" ]; then D=1; fi
A=$PWD; exec 9<.
cd -P "$r/"; p=$3; reach || exit
if [ -d "./$N" ] && [ ! -h "./$N" ]; then
  [ "$A" = "$PWD" ] && [ "$F" = "$N" ] && exit 0
  exit ${CODE.isDirectory}
fi
if [ "$D" ] && { [ -e "./$N" ] || [ -h "./$N" ]; }; then exit ${CODE.notDirectory}; fi
[ "$A" = "$PWD" ] && [ "$F" = "$N" ] && exit 0
fence || exit
mv -fT "/proc/self/fd/9/$F" "./$N"`,
  REACH,
)
