import type { Workspace } from '@ringfence/workspace'
import { expectCode } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { open, type ProviderSubject } from './subject.ts'

const PERL = `use Socket;
socket(my $l, AF_INET, SOCK_STREAM, 0) or die; setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
bind($l, sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die; listen($l, 64) or die;
while (1) {
  accept(my $c, $l) or next;
  1 while waitpid(-1, 1) > 0;
  next if fork;
  open(STDIN, "<&", $c); open(STDOUT, ">&", $c); close $l; close $c; exec "./handler";
}`

const PYTHON = `import os, socket, sys
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("127.0.0.1", int(sys.argv[1]))); l.listen(64)
while True:
  c, _ = l.accept()
  if os.fork() == 0:
    os.dup2(c.fileno(), 0); os.dup2(c.fileno(), 1); l.close(); c.close()
    os.execv("./handler", ["./handler"])
  c.close()`

const NODE = `require("node:net").createServer({ allowHalfOpen: true }, (socket) => {
  const child = require("node:child_process").spawn("./handler", { stdio: ["pipe", "pipe", "ignore"] })
  socket.on("error", () => child.kill()); child.stdin.on("error", () => {})
  socket.pipe(child.stdin); child.stdout.pipe(socket)
}).listen(Number(process.argv[1]), "127.0.0.1", 64)`

/** Servers that give each connection to a process `./handler` as its stdin and stdout; $1 is the port. The best one first. */
const SERVERS: Readonly<Record<string, string>> = {
  perl: `exec perl -e '${PERL}' "$1"`,
  python3: `exec python3 -c '${PYTHON}' "$1"`,
  node: `exec node -e '${NODE}' "$1"`,
  socat: 'exec socat -t 86400 "TCP4-LISTEN:$1,bind=127.0.0.1,reuseaddr,fork,backlog=64" EXEC:./handler',
  // Each letter is a connection that may wait.
  busybox: `exec busybox nc -${'l'.repeat(64)} -p "$1" -e ./handler`,
}

/** Prints which of them is there. */
const FIND = `for p in ${Object.keys(SERVERS).join(' ')}; do
  "$p" --help >/dev/null 2>&1 </dev/null || "$p" -h >/dev/null 2>&1 </dev/null || continue
  [ "$p" != busybox ] || { busybox nc --help 2>&1 | grep -q -e '-e PROG' && busybox nc --help 2>&1 | grep -q -e '-l'; } || continue
  echo "$p"; exit 0
done`

/** What a connection is given to, as shell text without programs that end by themselves: a server may not wait for them. */
export const HANDLERS = {
  /** Sends back what comes. */
  mirror: 'exec cat',
  /** Says only what the last line was, when all has come. */
  last: 'while IFS= read -r line; do last=$line; done; printf "last <%s>" "$last"',
  /** HTTP: the path of the request, and a byte that is no UTF-8. */
  http: `read -r method path version
while IFS= read -r line && [ "\${#line}" -gt 1 ]; do :; done
body="$method $path"
printf 'HTTP/1.1 200 OK\\r\\ncontent-type: application/octet-stream\\r\\ncontent-length: %s\\r\\nconnection: close\\r\\n\\r\\n%s\\377' "$((\${#body}+1))" "$body"`,
} as const

export type Handler = keyof typeof HANDLERS

/** A workspace that is about to serve. */
export interface Site {
  readonly workspace: Workspace
  readonly port: number
  /** Starts to listen. */
  start(): Promise<void>
}

/** A port that a process without privileges may listen on. */
function freePort({ runtime }: RequirementContext): number {
  const [high = 0, low = 0] = runtime.random.bytes(2)
  return 20_000 + (((high << 8) | low) % 30_000)
}

/**
 * A workspace with what serves connections.
 *
 * @returns `undefined` when the image has no program that could serve: none of them could relay either, and that it is refused is
 *   checked.
 */
export async function site(subject: ProviderSubject, context: RequirementContext, handler: Handler): Promise<Site | undefined> {
  const workspace = await open(subject, context)
  const port = freePort(context)
  const program = (await workspace.exec(FIND)).stdout.trim()
  const server = SERVERS[program]
  if (server === undefined) {
    await expectCode(workspace.port(port), 'feature.unsupported', 'port of an image without a relay')
    return undefined
  }
  await workspace.writeFile('handler', `#!/bin/sh\n${HANDLERS[handler]}\n`, { mode: 0o755 })
  return {
    workspace,
    port,
    async start() {
      await workspace.spawn(['sh', '-c', server, 'sh', String(port)])
    },
  }
}
