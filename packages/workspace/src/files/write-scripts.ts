import { REACH } from './reach-script.ts'
import { CODE } from './script-codes.ts'

/** Where the guard of the fence goes: right before what changes the tree. It ends with the code `fenced` when it refuses. */
const GUARD = '@GUARD@'

/** Puts the guard into a script. */
export function withGuard(script: string, guard: string | undefined): string {
  return script.replaceAll(GUARD, guard ?? ':')
}

/** Enters the directory of a file that is to be written, makes those that are missing, and finds the mode. `$4`: the mode of a new one. */
const REACH_TARGET = `${REACH}
p=$2; T=.ringfence-$3; m=$4
L=1; M=1; reach || exit $?
if [ -d "./$N" ]; then exit ${CODE.isDirectory}; fi
if [ -e "./$N" ]; then
  [ -f "./$N" ] || exit ${CODE.special}
  [ -w "./$N" ] || exit ${CODE.denied}
  need stat
  m=$(stat -c %a "./$N") || exit 1
fi
`

/**
 * Writes into a new file beside the target: root, path, token, mode of a new one, umask of that mode, way, content or
 * length. An existing file keeps its mode; the content is never readable to more than it allows. What fails leaves nothing.
 */
const FILL = `
trap 'rm -f "./$T"' 0
trap 'exit 143' 1 2 13 15
set -C
if [ "$m" = "$4" ]; then umask "$5"; else umask 077; fi
case $6 in
  text)
    printf %s "$7" >"./$T" 2>/dev/null || { set +C; printf %s "$7" | cat >"./$T"; } || exit 1 ;;
  *)
    cat >"./$T" || exit 1
    [ -z "$7" ] || [ $(wc -c <"./$T") -eq "$7" ] || exit ${CODE.cut} ;;
esac
set +C
if [ "$m" != "$4" ] || [ "$8" ]; then chmod "$m" "./$T" || exit 1; fi
`

const COMMIT = `${GUARD}
mv -fT "./$T" "./$N" || exit 1
trap - 0
`

/** Writes a file whose content is in `$7`, or on stdin with its length in `$7`. `$8`: the mode needs a `chmod`. */
export const WRITE = `${REACH_TARGET}${FILL}${COMMIT}`

/** Takes a stream of unknown length into the new file. What was told of it on the way is committed apart. */
export const PUT = `${REACH_TARGET}${FILL}
trap - 0
`

/** Commits what {@link PUT} took, after its source has ended well: root, path, token, length. */
export const COMMIT_PUT = `${REACH}
p=$2; T=.ringfence-$3; L=1; reach || exit $?
trap 'rm -f "./$T"' 0
[ -f "./$T" ] && [ ! -h "./$T" ] && [ $(wc -c <"./$T") -eq "$4" ] || exit ${CODE.cut}
if [ -d "./$N" ]; then exit ${CODE.isDirectory}; fi
${COMMIT}`

/** Removes what {@link PUT} took, when its source failed: root, path, token. */
export const DROP_PUT = `${REACH}
p=$2; L=1; reach || exit 0
rm -f "./.ringfence-$3"
`

/** Removes a path: root, path, recursive, force. */
export const REMOVE = `${REACH}
p=$2; reach || { s=$?; [ -z "$4" ] || [ $s != ${CODE.notFound} ] || s=0; exit $s; }
if [ -d "./$N" ] && [ ! -h "./$N" ]; then
  if [ "$3" ]; then
    ${GUARD}
    rm -rf "./$N"; exit
  fi
  ${GUARD}
  rmdir "./$N" && exit 0
  cd -P "./$N" 2>/dev/null || exit 1
  for f in ./* ./.[!.]* ./..?*; do
    if [ -e "$f" ] || [ -h "$f" ]; then exit ${CODE.notEmpty}; fi
  done
  exit 1
fi
if [ ! -e "./$N" ] && [ ! -h "./$N" ]; then [ "$4" ] || exit ${CODE.notFound}; exit 0; fi
${GUARD}
rm -f "./$N"
`

/** Makes a directory and those above: root, path, mode. */
export const MKDIR = `${REACH}
p=$2; L=1
${GUARD}
M=1; reach || exit $?
if [ -d "./$N" ]; then exit 0; fi
if [ -e "./$N" ]; then exit ${CODE.exists}; fi
mkdir -m "$3" "./$N" || [ -d "./$N" ]
`

/** Renames: root, from, to. The directory of the source stays open while that of the target is entered. */
export const RENAME = `${REACH}
p=$2; reach || exit $?
[ -e "./$N" ] || [ -h "./$N" ] || exit ${CODE.notFound}
F=$N; D=; if [ -d "./$F" ] && [ ! -h "./$F" ]; then D=1; fi
A=$PWD; exec 3<.
cd -P "$r/"; p=$3; reach || exit $?
if [ -d "./$N" ] && [ ! -h "./$N" ]; then
  [ "$A" = "$PWD" ] && [ "$F" = "$N" ] && exit 0
  exit ${CODE.isDirectory}
fi
if [ "$D" ] && { [ -e "./$N" ] || [ -h "./$N" ]; }; then exit ${CODE.notDirectory}; fi
[ "$A" = "$PWD" ] && [ "$F" = "$N" ] && exit 0
${GUARD}
mv -fT "/proc/self/fd/3/$F" "./$N"
`
