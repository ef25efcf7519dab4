const PERL = `use Socket qw(:DEFAULT AF_INET6 inet_pton pack_sockaddr_in6);
my ($port) = @ARGV; my $s;
sub dial { my ($family, $address) = @_; return socket($s, $family, SOCK_STREAM, 0) && connect($s, $address) }
dial(AF_INET, pack_sockaddr_in($port, inet_aton("127.0.0.1"))) || dial(AF_INET6, pack_sockaddr_in6($port, inet_pton(AF_INET6, "::1"))) || exit 1;
$SIG{PIPE} = "IGNORE";
sub give { my ($to, $bytes) = @_; while (length $bytes) { my $n = syswrite($to, $bytes); exit 0 unless defined $n; substr($bytes, 0, $n) = "" } }
my $wait = ""; vec($wait, 0, 1) = 1; vec($wait, fileno($s), 1) = 1;
while (1) {
  select(my $ready = $wait, undef, undef, undef);
  if (vec($ready, fileno($s), 1)) { my $n = sysread($s, my $bytes, 65536); exit 0 unless $n; give(*STDOUT, $bytes) }
  if (vec($ready, 0, 1)) { my $n = sysread(STDIN, my $bytes, 65536); if ($n) { give($s, $bytes) } else { vec($wait, 0, 1) = 0; shutdown($s, 1) } }
}`

const PYTHON = `import os, socket, sys, threading
port = int(sys.argv[1])
try:
  s = socket.create_connection(("127.0.0.1", port))
except OSError:
  s = socket.create_connection(("::1", port))
def outward():
  while True:
    data = s.recv(65536)
    if not data:
      os._exit(0)
    while data:
      data = data[os.write(1, data):]
threading.Thread(target=outward).start()
while True:
  data = os.read(0, 65536)
  if not data:
    break
  s.sendall(data)
s.shutdown(socket.SHUT_WR)`

const NODE = `const net = require("node:net")
const dial = (host, otherwise) => {
  const socket = net.connect({ host, port: Number(process.argv[1]), allowHalfOpen: true })
  socket.once("error", otherwise)
  socket.once("connect", () => {
    socket.off("error", otherwise).on("error", () => process.exit(1))
    process.stdin.pipe(socket)
    socket.pipe(process.stdout, { end: false })
    socket.on("end", () => process.stdout.write("", () => process.exit(0)))
  })
}
process.stdout.on("error", () => process.exit(0))
dial("127.0.0.1", () => dial("::1", () => process.exit(1)))`

/** What can join a connection to stdin and stdout, and close one half of it: the quickest to start first. */
const RELAYS = new Map([
  ['socat', 'exec socat -t 86400 - "TCP4:127.0.0.1:$1"'],
  ['busybox', 'exec busybox nc 127.0.0.1 "$1"'],
  ['perl', `exec perl -e '${PERL}' "$1"`],
  ['python3', `exec python3 -c '${PYTHON}' "$1"`],
  ['node', `exec node -e '${NODE}' "$1"`],
])

export const RELAY_PROGRAMS: readonly string[] = [...RELAYS.keys()]

/** Prints the program that relays here, or nothing. */
export const FIND_RELAY = `for p in ${RELAY_PROGRAMS.join(' ')}; do
  command -v "$p" >/dev/null 2>&1 || continue
  case $p in busybox) busybox nc --help >/dev/null 2>&1 || continue ;; esac
  printf %s "$p"; exit 0
done`

/** The script that joins its stdin and stdout to the port \`$1\`. */
export function relayScript(program: string): string | undefined {
  const command = RELAYS.get(program)
  return command === undefined ? undefined : `exec 2>/dev/null\n${command}`
}
