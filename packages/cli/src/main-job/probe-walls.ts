import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { evaluate, type Policy, type Random, randomId } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import type { Screen } from '../screen/screen.ts'

/** Tries a connection with what the image has: node, or bash. */
const CONNECT = `if command -v node >/dev/null; then exec node -e 'require("net").connect(+process.argv[1],"127.0.0.1").on("connect",()=>process.exit(0)).on("error",(e)=>{console.error(e.code);process.exit(1)})' "$1"
else exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$1"; fi`

/** What was tried, whether it was denied, and the rule that denies it. */
export interface Probe {
  readonly name: 'read' | 'connect'
  readonly held: boolean
  readonly what: string
  readonly rule: string
}

/** Tries, inside, to read a file of the host that anyone here may read. */
async function probeRead(workspace: Workspace, random: Random): Promise<Probe> {
  const folder = await mkdtemp(join(tmpdir(), 'ringfence-host-'))
  const token = randomId(random, 'host')
  try {
    const path = join(folder, 'notes.txt')
    await writeFile(path, token, { mode: 0o644 })
    const { stdout, stderr } = await workspace.exec(['cat', '--', path])
    const held = !stdout.includes(token)
    const reason = stderr.trim().split(': ').at(-1) ?? ''
    return {
      name: 'read',
      held,
      what: held ? `denied: reading ${path} of the host: ${reason}` : `NOT denied: ${path} of the host was read`,
      rule: 'manifest.entries: a sandbox sees what the manifest puts in, and nothing else of the host',
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Tries, inside, to reach a port that listens on the host. */
async function probeConnect(workspace: Workspace, policy: Policy): Promise<Probe> {
  let visits = 0
  const server = createServer((socket) => {
    visits += 1
    // A visitor may leave at once.
    socket.on('error', () => socket.destroy())
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const { exitCode, stderr } = await workspace.exec(['sh', '-c', CONNECT, 'sh', String(port)], { timeoutMs: 10_000 })
    const held = visits === 0 && exitCode !== 0
    const decision = evaluate([{ owner: 'app', policy }], { kind: 'connect', host: '127.0.0.1', port })
    const reason = stderr.trim().split('\n').at(-1)?.slice(0, 60) ?? ''
    return {
      name: 'connect',
      held,
      what: held ? `denied: connecting to 127.0.0.1:${port} of the host: ${reason}` : `NOT denied: port ${port} of the host was reached`,
      rule: `policy.${decision.rule} of "${decision.owner}"${decision.allow ? '' : `: ${decision.remedy}`}`,
    }
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}

/** Tries one read of a host file and one connection to the host. With an open network the connection is not tried. */
export async function probeWalls(workspace: Workspace, policy: Policy, random: Random): Promise<readonly Probe[]> {
  const read = await probeRead(workspace, random)
  return policy.egress === 'open' ? [read] : [read, await probeConnect(workspace, policy)]
}

/** Shows what was tried, and each denial with its rule. */
export function showProbes(probes: readonly Probe[], screen: Screen): void {
  screen.title('The walls')
  for (const { name, held, what, rule } of probes) {
    screen.result(held, what)
    screen.row('rule', rule)
    screen.event({ type: 'probe', probe: name, held, rule })
  }
}
