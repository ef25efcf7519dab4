import { randomBytes } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { local } from '@ringfence/provider-local'
import { afterEach, expect, test } from 'vitest'
import { openWorkspace, type Workspace, type WorkspaceEvent } from '../src/index.ts'
import { FIND_RELAY, RELAY_PROGRAMS } from '../src/ports/relay-script.ts'
import { hostProvider } from './host-provider.ts'

const open: Workspace[] = []
afterEach(async () => {
  for (const workspace of open.splice(0)) await workspace.destroy()
})

async function sandbox(onEvent?: (event: WorkspaceEvent) => void): Promise<Workspace> {
  const workspace = await openWorkspace({ sandbox: local(), onEvent })
  open.push(workspace)
  return workspace
}

/** A server that sends back all that it got once that has ended: what is lost, changed or cut on the way shows. */
const MIRROR = `use Socket; socket(my $l, AF_INET, SOCK_STREAM, 0); setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
bind($l, sockaddr_in(8080, INADDR_LOOPBACK)) or die; listen($l, 64);
while (accept(my $c, $l)) { next if fork; my $all = ""; while (sysread($c, my $b, 65536)) { $all .= $b }
while (length $all) { my $n = syswrite($c, $all); substr($all, 0, $n) = "" } exit }`

const mirrorArgv = ['perl', '-e', MIRROR]

async function reflect(url: string, bytes: Uint8Array): Promise<Buffer> {
  const { hostname, port } = new URL(url)
  const socket: Socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  socket.end(bytes)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('bytes go both ways, a half is closed alone, many connections at once', async () => {
  const events: WorkspaceEvent[] = []
  const workspace = await sandbox((event) => events.push(event))
  await workspace.spawn(mirrorArgv)
  const port = await workspace.port(8080)
  expect(new URL(port.url).hostname).toBe('127.0.0.1')
  expect(events).toContainEqual({ type: 'port.opened', port: 8080, url: port.url })
  const sent = [0, 1, 100, 3_000_000, ...Array.from({ length: 16 }, () => 10_000)].map((size) => randomBytes(size))
  const back = await Promise.all(sent.map((bytes) => reflect(port.url, bytes)))
  expect(back.map((bytes, index) => bytes.equals(sent[index] ?? Buffer.alloc(0)))).toEqual(sent.map(() => true))
})

test('it waits until something listens, and says when nothing does', async () => {
  const workspace = await sandbox()
  await expect(workspace.port(8081, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'port.not-listening', effect: 'none' })
  const waiting = workspace.port(8080)
  await workspace.spawn(mirrorArgv)
  expect((await reflect((await waiting).url, Buffer.from('late'))).toString()).toBe('late')
})

test('what is no port, and one that is taken here, is refused', async () => {
  const workspace = await sandbox()
  await workspace.spawn(mirrorArgv)
  for (const port of [0, 65_536, 1.5, Number.NaN]) await expect(workspace.port(port)).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(workspace.port(8080, { localPort: -1 })).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(workspace.port(8080, { timeoutMs: 0 })).rejects.toMatchObject({ code: 'config.invalid' })
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  const taken = typeof address === 'object' && address ? address.port : 0
  const error = await workspace.port(8080, { localPort: taken }).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'config.invalid', message: expect.stringContaining('EADDRINUSE') })
  await new Promise((resolve) => other.close(resolve))
})

test('nothing is left when the port or its workspace is closed', async () => {
  const workspace = await sandbox()
  await workspace.spawn(mirrorArgv)
  const port = await workspace.port(8080)
  const { port: number } = new URL(port.url)
  const idle = connect({ host: '127.0.0.1', port: Number(number) })
  await new Promise((resolve) => idle.once('connect', resolve))
  const ended = new Promise((resolve) => idle.once('close', resolve))
  idle.on('error', () => undefined)
  await port.close()
  await ended
  await expect(reflect(port.url, Buffer.from('x'))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const second = await workspace.port(8080)
  await workspace.destroy()
  await expect(reflect(second.url, Buffer.from('x'))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('each relay that this machine has carries the same', async () => {
  const seen: string[] = []
  for (const program of RELAY_PROGRAMS) {
    const workspace = await sandbox()
    const probe = await workspace.exec(FIND_RELAY.replace(RELAY_PROGRAMS.join(' '), program))
    if (probe.stdout !== program) continue
    seen.push(program)
    await workspace.spawn(mirrorArgv)
    const { relayScript } = await import('../src/ports/relay-script.ts')
    const script = relayScript(program)
    expect(script).toBeDefined()
    const bytes = randomBytes(300_000)
    const command = await workspace.exec(
      `for i in 1 2 3 4 5 6 7 8 9; do grep -q ':1F90 .* 0A ' /proc/net/tcp && break; sleep 0.3; done; sh -c "$RELAY" sh 8080 | base64 -w0`,
      {
        env: { RELAY: script ?? '' },
        stdin: bytes,
      },
    )
    expect(Buffer.from(command.stdout, 'base64').equals(bytes), program).toBe(true)
  }
  expect(seen).toContain('perl')
})

test('without a live stdin of the wire there are no ports', async () => {
  const provider = hostProvider({ wire: { stdin: 'none', delivery: 'at-exit' } })
  const workspace = await openWorkspace({ sandbox: provider, policy: { minimumIsolation: 'none', egress: 'open' } })
  open.push(workspace)
  await expect(workspace.port(8080)).rejects.toMatchObject({ code: 'feature.unsupported', effect: 'none' })
})
