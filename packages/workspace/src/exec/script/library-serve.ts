/** The requests beside the start of a command. As in `library.ts`. */
export const SERVE: string = String.raw`
rf_open() {
  rf_q=$1 rf_N=$2 rf_n=$rf_D/$2
  rf_guard "$rf_q" || return
  if [ ! -e "$rf_n.c" ]; then rf_ev "$rf_q" 'R none'; return 1; fi
  rf_ev "$rf_q" S
}
rf_read() {
  rf_open "$1" "$2" || return
  rf_state
  rf_ev "$rf_q" "D 0 $rf_y \${rf_x:-- - - - -} $rf_claim"
}
rf_poll() {
  rf_open "$1" "$2" || return
  rf_lock
  printf '%s %s B\n' "$rf_K" "$rf_q" >&4
  if [ "$5" != 0 ] && [ -s "$rf_n.o" ]; then LC_ALL=C "$rf_DD" if="$rf_n.o" bs="$3" skip="$4" count="$5" 2>/dev/null >&4; fi
  printf '%s 2\n' "$rf_K" >&4
  if [ "$7" != 0 ] && [ -s "$rf_n.e" ]; then LC_ALL=C "$rf_DD" if="$rf_n.e" bs="$3" skip="$6" count="$7" 2>/dev/null >&4; fi
  printf '%s 0\n' "$rf_K" >&4
  rf_unlock
  rf_ev "$rf_q" 'D 1'
}
rf_size() {
  rf_open "$1" "$2" || return
  rf_u=0 rf_v=0
  if [ -s "$rf_n.o" ]; then rf_u=$(wc -c <"$rf_n.o"); fi
  if [ -s "$rf_n.e" ]; then rf_v=$(wc -c <"$rf_n.e"); fi
  rf_ev "$rf_q" "D 0 $rf_u $rf_v"
}
rf_kill() {
  rf_open "$1" "$2" || return
  exec 2>/dev/null
  rf_find
  if [ -z "$rf_x" ]; then
    printf 'K %s\n' "$3" >>"$rf_n.k"
    if [ "$4" = - ]; then rf_sig "$3"; else rf_tree "$4"; fi
    if [ "$3" = INT ] && [ -n "$rf_m" ]; then
      rf_l=
      while read -r rf_a rf_b; do if [ "$rf_a" = SigIgn: ]; then rf_l=$rf_b; fi; done <"/proc/$rf_m/status"
      case $rf_l in *[2367abef]) rf_sig TERM ;; esac
    fi
  fi
  rf_ev "$rf_q" 'D 0'
}
rf_stop() {
  rf_ev "$1" S
  exec 2>/dev/null
  rf_N=$2 rf_m=
  if [ "$3" = KILL ]; then rf_end; else rf_sig "$3"; fi
  rf_ev "$1" 'D 0'
}
rf_watch() {
  rf_open "$1" "$2" || return
  rf_ev "$rf_q" 'D 0'
  rf_close
  while [ -e "$rf_n.c" ]; do
    rf_state
    [ "$rf_y" = r ] || exit
    rf_u=$(wc -c <"$rf_n.o") rf_v=$(wc -c <"$rf_n.e")
    if [ "\${rf_u:-0}" -gt "$3" ] || [ "\${rf_v:-0}" -gt "$3" ]; then
      printf 'L\n' >>"$rf_n.k"
      rf_end
      exit
    fi
    sleep 1
  done
}
rf_pipes() {
  rf_j=0
  while rf_scan; [ -z "$rf_x$rf_i" ] && [ "$rf_j" -lt 100 ]; do rf_nap; rf_j=$((rf_j + 1)); done
}
rf_write() {
  rf_open "$1" "$2" || return
  exec 2>/dev/null
  rf_pipes
  rf_a=closed
  if [ -z "$rf_x" ] && [ -p "$rf_n.i" ]; then
    trap '' PIPE
    exec 7<>"$rf_n.i" 8>"$rf_n.i" 7>&-
    if rf_given >&8; then rf_a=ok; fi
  fi
  rf_ev "$rf_q" "D 0 $rf_a"
}
rf_finish() {
  rf_open "$1" "$2" || return
  exec 2>/dev/null
  rf_pipes
  if [ -p "$rf_n.h" ]; then rf_release; fi
  rf_ev "$rf_q" 'D 0'
}
rf_put() {
  rf_guard "$1" || return
  rf_ev "$1" S
  umask 077
  if rf_given 2>/dev/null >>"$rf_D/$2"; then rf_ev "$1" 'D 0 ok'; else rf_ev "$1" 'D 0 failed'; fi
}
rf_forget() {
  rf_guard "$1" || return
  rf_q=$1 rf_a=
  rf_ev "$1" S
  shift
  for rf_N in "$@"; do rf_a="$rf_a $rf_N.c $rf_N.k $rf_N.s $rf_N.x $rf_N.o $rf_N.e"; done
  cd "$rf_D" && LC_ALL=C rm -f $rf_a
  rf_ev "$rf_q" 'D 0'
}
rf_claim() {
  cd "$4" 2>/dev/null || { rf_ev "$1" 'R cwd'; return; }
  rf_guard "$1" || return
  set -C
  if printf 'C - %s\n' "$3" 2>/dev/null >"$rf_D/$2.c"; then rf_ev "$1" 'D 0'; else rf_ev "$1" 'R held'; fi
}
rf_drop() {
  rf_guard "$1" || return
  rf_q=$1
  rf_ev "$1" S
  shift
  cd "$rf_D" && rm -f "$@" 2>/dev/null
  rf_ev "$rf_q" 'D 0'
}
rf_raise() {
  rf_at=/dev/null/-
  rf_guard "$1" || return
  rf_ev "$1" S
  if rf_settle "$rf_l" && rf_shut; then rf_ev "$1" 'D 0 0'
  elif rf_guard "$1"; then rf_ev "$1" 'D 0 1'
  fi
}
rf_head() {
  rf_q=$1 rf_N=$2 rf_text=$3 rf_said=$rf_D/said.$rf_own
  rf_guard "$rf_q" || return
  rf_ev "$rf_q" S
  rf_lock
  if ! rf_still; then rf_unlock; rf_ev "$rf_q" "$rf_why"; return 1; fi
  printf '%s %s B\n' "$rf_K" "$rf_q" >&4
}
rf_tail() {
  if [ -s "$rf_said" ]; then
    printf '%s 2\n' "$rf_K" >&4
    LC_ALL=C "$rf_DD" if="$rf_said" bs=65536 count=1 2>/dev/null >&4
    true >"$rf_said"
    printf '%s 0\n' "$rf_K" >&4
  else printf '%s 2\n%s 0\n' "$rf_K" "$rf_K" >&4
  fi
  rf_unlock
  rf_ev "$rf_q" "D 1 $1"
}
rf_script() {
  rf_head "$@" || return
  shift 3
  ( export RINGFENCE_OP="$rf_N"; cd "$rf_W" && eval "$rf_text" ) 2>>"$rf_said" >&4 3>&- 4>&- 5>&-
  rf_tail $?
}
rf_routine() {
  rf_head "$@" || return
  shift 3
  trap 'rf_tail $?' 0
  export RINGFENCE_OP="$rf_N"
  cd "$rf_W" && "$rf_text" "$@" 2>>"$rf_said" >&4
  exit
}
rf_quick() {
  local LC_ALL a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
  [ -n "$rf_umask" ] || { umask >"$rf_D/umask" && read -r rf_umask <"$rf_D/umask"; } || rf_umask=$(umask)
  rf_head "$@" || return
  shift 3
  "$rf_text" "$@" 2>>"$rf_said" >&4
  rf_tail $?
  cd /
  umask "$rf_umask"
  set +C
}
`
