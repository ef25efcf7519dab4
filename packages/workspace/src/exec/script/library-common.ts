/** Own pid, fence, receipts, signals, timers. As in `library.ts`. */
export const COMMON: string = String.raw`
rf_self() {
  if cd -P /proc/self 2>/dev/null; then rf_p=\${PWD##*/}; else rf_p=$(exec "$rf_SH" -c 'echo $PPID'); fi
}
rf_close() { exec 3>&- 4>&- 5>&- 6>&- 2>/dev/null; }
rf_nap() { sleep 0.05 2>/dev/null || sleep 1; }
rf_place() { rf_at=$rf_D/at.$rf_E.$rf_G.$rf_T; }
rf_still() {
  [ -e "$rf_at" ] && return
  rf_a= rf_b= rf_c=
  read -r rf_a rf_b rf_c rf_l 2>/dev/null <"$rf_D/state"
  rf_why='R gone'
  [ "$rf_b $rf_c" = "$rf_G $rf_T" ] || return 1
  rf_why="R fenced $rf_a"
  [ "$rf_a" -le "$rf_E" ] 2>/dev/null
}
rf_guard() {
  rf_still || { rf_ev "$1" "$rf_why"; return 1; }
  [ -n "$rf_ready" ] || { rf_ev "$1" 'R lock'; return 1; }
}
rf_settle() {
  printf '%s %s %s %s\n' "$rf_E" "$rf_G" "$rf_T" "$1" >"$rf_D/state.$$" && mv -f "$rf_D/state.$$" "$rf_D/state" </dev/null
}
rf_shut() {
  rf_place
  set -- "$rf_D"/at.*
  [ "$*" = "$rf_at" ] || rm -rf "$@" </dev/null || return
  true >"$rf_at" || return
  rf_b=$rf_at rf_at=/dev/null/-
  if rf_still && [ "$rf_a" = "$rf_E" ]; then rf_at=$rf_b; return; fi
  rm -f "$rf_b" </dev/null
  return 1
}
rf_which() {
  rf_p= IFS=:
  for rf_b in $2; do
    rf_b=\${rf_b:-.}/$1
    if [ -f "$rf_b" ] && [ -x "$rf_b" ]; then rf_p=$rf_b; break; fi
  done
  IFS=$rf_IFS
  [ -n "$rf_p" ]
}
rf_scan() {
  rf_claim= rf_x= rf_s= rf_m= rf_i= rf_z=0
  while read -r rf_a rf_b rf_c; do
    case $rf_a in
      C) rf_s=$rf_b rf_claim=$rf_c ;;
      P) rf_m=$rf_b ;;
      I) rf_i=1 ;;
      X) rf_x="$rf_b $rf_c" ;;
      *) rf_z=1 ;;
    esac
  done 2>/dev/null <"$rf_n.c"
  case $rf_m in 0 | 1 | *[!0-9]*) rf_m= ;; esac
  case $rf_s in 0 | 1 | *[!0-9]*) rf_s= ;; esac
}
rf_state() {
  rf_scan
  rf_y=r
  if [ -z "$rf_s" ]; then rf_y=c
  elif [ -z "$rf_x" ] && ! kill -0 "$rf_s" 2>/dev/null; then rf_scan; rf_y=d
  fi
  if [ -n "$rf_x" ]; then rf_y=x; fi
}
rf_group() { [ -n "$rf_m" ] && kill -0 -"$rf_m" 2>/dev/null; }
rf_find() {
  rf_j=0
  while rf_scan; [ -z "$rf_x" ] && ! rf_group && [ "$rf_j" -lt 100 ]; do rf_nap; rf_j=$((rf_j + 1)); done
}
rf_marked() { LC_ALL=C grep "$1" -sF "RINGFENCE_OP=$rf_N" /proc/[0-9]*/environ; }
rf_sig() {
  if [ -n "$rf_m" ]; then kill -"$1" -"$rf_m"; fi
  for rf_p in $(rf_marked -l); do
    rf_p=\${rf_p#/proc/} rf_p=\${rf_p%/environ} rf_a=
    read -r rf_a <"/proc/$rf_p/stat"
    rf_a=\${rf_a##*) } rf_a=\${rf_a#* } rf_a=\${rf_a#* }
    [ "\${rf_a%% *}" = "$rf_m" ] || kill -"$1" "$rf_p"
  done
}
rf_alive() {
  rf_group || rf_marked -q
}
rf_end() {
  rf_j=0
  while rf_alive && [ "$rf_j" -lt 40 ]; do rf_sig KILL; rf_nap; rf_j=$((rf_j + 1)); done
}
rf_tree() {
  rf_find
  rf_sig TERM
  rf_j=$1
  while rf_alive && [ "$rf_j" -gt 0 ]; do rf_nap; rf_j=$((rf_j - 1)); done
  rf_end
}
rf_release() {
  exec 8<>"$rf_n.h"
  printf '\n' >&8
  exec 8>&-
}
rf_timer() {
  rf_close
  rf_a= rf_b=
  trap '' HUP PIPE
  trap 'rf_b=1; [ -z "$rf_a" ] || kill -9 "$rf_a"' TERM
  sleep "$1" &
  rf_a=$!
  [ -n "$rf_b" ] || wait "$rf_a"
  if [ -n "$rf_b" ]; then kill -9 "$rf_a"; exit; fi
  trap '' TERM
  $2
}
rf_late() { printf 'T\n' >>"$rf_n.k"; rf_tree "$rf_grace"; }
rf_wake() { kill -USR1 "$rf_super"; }
`
