import { CODE } from './script-codes.ts'

/**
 * The functions that every script on a path begins with: `enter ROOT` first, then `reach`.
 *
 * `reach` walks `$p` one part at a time. It enters each directory, links included, and looks where it really is (`cd -P`
 * sets `PWD` to that), so that it never goes on from outside of the root `$r`; what follows works on `./$N` of the entered
 * directory, and no exchange of a path can lead it elsewhere. Links that do not lead into a directory are read and walked by
 * hand: nothing outside is looked at, so that no answer tells of it. `$L`: a link at the end is followed. `$M`: missing
 * directories are made. It starts no process unless there is such a link or something to make.
 *
 * `fence` stands right before what changes the tree. It asks the engine, where that runs the script, whether another driver took
 * over; `$rf_at` and `rf_still` are the engine's.
 */
export const REACH = `
enter() {
  LC_ALL=C; export LC_ALL; umask 022
  R=$1; k=0; L=; M=
  cd -P "$R/" || return ${CODE.noRoot}
  r=$PWD; case $r in /) r= ;; esac
}
fence() { [ -e "\${rf_at:-/}" ] || rf_still || return ${CODE.fenced}; }
follow() {
  k=$((k+1)); [ $k -le 40 ] || return ${CODE.cycle}
  t=$(readlink "./$c" && echo x) || return ${CODE.notFound}
  t=\${t%?x}
  case $t in
    /*)
      case $t/ in
        "$r"/*) t=\${t#"$r"} ;;
        "$R"/*) t=\${t#"$R"} ;;
        *) return ${CODE.escapes} ;;
      esac
      cd -P "$r/" ;;
  esac
  if [ "$e" ]; then p=$t; else p=$t/$p; fi
}
reach() {
  while :; do
    case $p in
      */*) c=\${p%%/*}; p=\${p#*/}; e= ;;
      *) c=$p; p=; e=. ;;
    esac
    case $c in
      ''|.) [ "$e" ] || continue; N=.; return 0 ;;
      ..) ;;
      *) if [ "$e" ]; then
          if [ "$L" ] && [ -h "./$c" ]; then follow || return; continue; fi
          N=$c; return 0
        fi ;;
    esac
    if cd -P "./$c" 2>/dev/null; then :
    elif [ -h "./$c" ]; then follow || return; continue
    elif [ -d "./$c" ]; then return ${CODE.denied}
    elif [ -e "./$c" ]; then return ${CODE.notDirectory}
    elif [ "$M" ]; then
      mkdir "./$c" || [ -d "./$c" ] || return 1
      cd -P "./$c" || return ${CODE.denied}
    else return ${CODE.notFound}
    fi
    case $PWD/ in "$r"/*) ;; *) return ${CODE.escapes} ;; esac
    [ -z "$e" ] || { N=.; return 0; }
  done
}
need() { command -v "$1" >/dev/null || { printf %s "$1" >&2; return ${CODE.noProgram}; }; }
`
