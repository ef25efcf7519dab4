/**
 * Waits until a port listens: the port in four hex digits, the number of looks. Ends with 0 when it does, 1 when it did not, 2 where the
 * kernel does not tell. The columns of `/proc/net/tcp` are in proc(5): the local address is the second, state `0A` is LISTEN.
 */
export const AWAIT_LISTENING = `n=0
[ -r /proc/net/tcp ] || exit 2
while :; do
  for f in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$f" ] || continue
    while read -r _ local _ state _; do
      case $local:$state in *":$1:0A") exit 0 ;; esac
    done <"$f"
  done
  n=$((n+1)); [ "$n" -lt "$2" ] || exit 1
  sleep 0.1 2>/dev/null || sleep 1
done
`
