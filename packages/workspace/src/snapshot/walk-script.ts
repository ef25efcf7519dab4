import { CODE } from '../files/script-codes.ts'

/**
 * Prints what is no file, folder or link, ended by NULs, an empty name, and a tar archive of the rest, or several in a row: root, patterns to leave out.
 *
 * GNU tar and bsdtar take the names from `find`; the tar of busybox takes them as arguments, in as many archives as that needs.
 * The first walk fails for a folder that cannot be read, which the second one could not tell.
 */
export const WALK = `LC_ALL=C; export LC_ALL
cd -P "$1/" || exit ${CODE.noRoot}
for program in find tar xargs; do
  command -v $program >/dev/null || { printf 'the image lacks "%s"' $program >&2; exit ${CODE.noProgram}; }
done
shift; n=$#
while [ $n -gt 0 ]; do e=$1; shift; set -- "$@" -path "$e" -o; n=$((n-1)); done
set -- "(" "$@" -path / ")" -prune -o
find . "$@" ! -type f ! -type d ! -type l -print0 || exit 1
printf '\\0'
if tar --null --no-recursion -T /dev/null -cf /dev/null 2>/dev/null; then
  find . "$@" "(" -type f -o -type d -o -type l ")" -print0 | tar --null --no-recursion -T - -cf -
else
  find . "$@" "(" -type f -o -type d -o -type l ")" -print0 | xargs -0 tar --no-recursion -cf -
fi
`

/**
 * Removes everything but what is left out: root, the names to keep, then the directories above them. A name is `/a/b`; the list of names to keep is
 * joined by `//`, which no path holds.
 */
export const CLEAR = `LC_ALL=C; export LC_ALL
cd -P "$1/" || exit ${CODE.noRoot}
keep=$2; shift 2
for d; do
  [ -d ".$d" ] && [ ! -h ".$d" ] || continue
  for f in ".$d"/* ".$d"/.[!.]* ".$d"/..?*; do
    [ -e "$f" ] || [ -h "$f" ] || continue
    case $keep in *"//\${f#./}//"*) ;; *) rm -rf "$f" || exit 1 ;; esac
  done
done
`
