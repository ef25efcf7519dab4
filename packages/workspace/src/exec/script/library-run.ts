/** The start of a command and its end. As in `library.ts`. */
export const RUN: string = String.raw`
rf_run() {
  rf_q=$1 rf_N=$2 rf_h=$3 rf_dir=$4 rf_in=$5 rf_form=$6 rf_inline=$7 rf_time=$8 rf_grace=$9
  shift 9
  rf_kind=$1 rf_file=$2 rf_look=$3 rf_prog=$4 rf_n=$rf_D/$rf_N rf_vars=$5
  shift 5
  rf_self
  rf_super=$rf_p
  cd "$rf_dir" 2>/dev/null || { rf_ev "$rf_q" 'R cwd'; return; }
  if [ "$rf_kind" = a ]; then
    [ "$rf_look" != - ] || rf_look=$PATH
    case $rf_prog in
      */*) [ -f "$rf_prog" ] && [ -x "$rf_prog" ] ;;
      *) rf_which "$rf_prog" "$rf_look" ;;
    esac || { rf_ev "$rf_q" 'R program'; return; }
  fi
  rf_guard "$rf_q" || return
  set -C
  if ! printf 'C %s %s\n' "$rf_super" "$rf_h" 2>/dev/null >"$rf_n.c"; then
    if [ -e "$rf_n.c" ]; then rf_ev "$rf_q" 'R held'; else rf_ev "$rf_q" 'R claim'; fi
    return
  fi
  set +C
  exec 6>>"$rf_n.c" 2>&6
  if [ "$rf_time" != - ]; then rf_timer "$rf_time" rf_late & rf_w=$!; else rf_w=; fi
  trap : HUP TERM PIPE
  rf_stdin=/dev/null rf_out=$rf_n.o rf_err=$rf_n.e rf_hold= rf_cats=
  case $rf_in in
    -) ;;
    =)
      mkfifo "$rf_n.i" "$rf_n.h"
      exec 7<>"$rf_n.i" 8<>"$rf_n.h"
      ( rf_close; read -r rf_a <&8 ) &
      rf_hold=$! rf_stdin=$rf_n.i
      exec 7>&- 8>&-
      printf 'I\n' >&6
      ;;
    +) rf_given >"$rf_n.s"; rf_stdin=$rf_n.s ;;
    *) rf_stdin=$rf_in ;;
  esac
  if [ "$rf_form" = p ]; then
    rf_out=$rf_n.1 rf_err=$rf_n.2
    mkfifo "$rf_out" "$rf_err"
    ( rf_close; exec cat <"$rf_out" >>"$rf_n.o" ) &
    rf_cats=$!
    ( rf_close; exec cat <"$rf_err" >>"$rf_n.e" ) &
    rf_cats="$rf_cats $!"
  fi
  rf_ev "$rf_q" S
  (
    rf_self
    printf 'P %s\n' "$rf_p" >&6
    cd "$rf_dir" || exit 126
    unset OLDPWD
    rf_base
    export RINGFENCE_OP="$rf_N"
    while [ "$rf_vars" -gt 0 ]; do export "$1"; shift; rf_vars=$((rf_vars - 1)); done
    if [ "$rf_file" != - ]; then . "$rf_file"; rm -f "$rf_file"; fi
    if [ "$rf_kind" = x ]; then rf_long >"$rf_n.x"; set -- "$rf_SH" "$rf_n.x"; fi
    exec "$rf_SS" "$@" 6>&-
  ) <"$rf_stdin" >>"$rf_out" 2>>"$rf_err" 3>&- 4>&- 5>&-
  rf_code=$?
  rf_after
  rf_k=- rf_z=0 rf_u=0 rf_v=0
  if [ "$rf_code" -gt 125 ]; then rf_scan; fi
  if [ -e "$rf_n.k" ]; then read -r rf_k rf_a <"$rf_n.k"; fi
  if [ -s "$rf_n.o" ]; then if [ "$rf_inline" -gt 0 ]; then rf_u=+; else rf_u=$(wc -c <"$rf_n.o"); fi; fi
  if [ -s "$rf_n.e" ]; then if [ "$rf_inline" -gt 0 ]; then rf_v=+; else rf_v=$(wc -c <"$rf_n.e"); fi; fi
  printf 'X %s %s %s %s %s\n' "$rf_code" "$rf_z" $rf_u $rf_v "$rf_k" >&6
  rf_f=0
  if [ "$rf_u$rf_v" != 00 ] && [ "$rf_inline" -gt 0 ]; then rf_f=1; fi
  rf_ev "$rf_q" "D $rf_f $rf_code $rf_z $rf_u $rf_v $rf_k"
  if [ "$rf_f" = 1 ]; then
    rf_lock
    printf '%s %s B\n' "$rf_K" "$rf_q" >&4
    if [ "$rf_u" != 0 ]; then LC_ALL=C "$rf_DD" if="$rf_n.o" bs="$rf_inline" count=1 2>/dev/null >&4; fi
    printf '%s 2\n' "$rf_K" >&4
    if [ "$rf_v" != 0 ]; then LC_ALL=C "$rf_DD" if="$rf_n.e" bs="$rf_inline" count=1 2>/dev/null >&4; fi
    printf '%s 0\n' "$rf_K" >&4
    rf_unlock
  fi
}
rf_after() {
  if [ -n "$rf_w" ]; then { kill "$rf_w"; wait "$rf_w"; } 2>/dev/null; fi
  if [ -n "$rf_hold" ]; then
    rf_release
    wait "$rf_hold" 2>/dev/null
    rm -f "$rf_n.i" "$rf_n.h"
  fi
  if [ -n "$rf_cats" ]; then
    rf_slow=
    trap - TERM
    trap rf_slow=1 USR1
    rf_timer 1 rf_wake & rf_w=$!
    for rf_a in $rf_cats; do [ -n "$rf_slow" ] || wait "$rf_a"; done
    # No wait: bash loses a child that ends while the trap of its signal runs.
    [ -n "$rf_slow" ] || kill "$rf_w" 2>/dev/null
    rm -f "$rf_n.1" "$rf_n.2"
  fi
}
`
