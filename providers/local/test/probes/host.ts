import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asUser } from '../../src/keeper.ts'

/** What every probe is after. It is printed, typed or written by one that succeeds. */
export const CANARY = 'canary of the host'
export const ABSTRACT = 'ringfence-probe'

/** What there is on the host that a sandbox must not reach. */
export interface Host {
  /** Outside of every sandbox; everybody on the host can reach it. */
  readonly directory: string
  /** The port of a server on the loopback, which says the canary; so do the one on `socket` there and the abstract one. */
  readonly port: number
  /** An open descriptor of the harness, of the canary. */
  readonly fd: number
  /** The key of a shared memory that holds the canary. */
  readonly key: number
  /** Starts a process of a user of the host, with the canary in its environment; it ends with the host. */
  decoy(user: number | undefined): number
  /** What was written to the host since the last look. */
  written(): boolean
  close(): void
}

const python = (code: string): string => execFileSync('python3', ['-c', code], { encoding: 'utf8' }).trim()
const SHARED = 'import ctypes; l = ctypes.CDLL(None); l.shmat.restype = ctypes.c_void_p'

export async function openHost(): Promise<Host> {
  // Where it can be, not below a directory that a sandbox has as well.
  const directory = mkdtempSync(join(process.getuid?.() === 0 ? '/opt' : tmpdir(), 'ringfence-probe-'))
  for (const name of ['', 'writable', 'tree', 'tree/child']) mkdirSync(join(directory, name), { recursive: true })
  chmodSync(directory, 0o755)
  chmodSync(join(directory, 'writable'), 0o777)
  for (const name of ['canary', 'tree/canary', 'tree/child/canary']) writeFileSync(join(directory, name), `${CANARY}\n`)
  writeFileSync(join(directory, 'private'), `${CANARY}\n`, { mode: 0o600 })
  copyFileSync('/usr/bin/id', join(directory, 'id'))
  chmodSync(join(directory, 'id'), 0o4755)
  const servers: Server[] = []
  for (const at of [join(directory, 'socket'), `\0${ABSTRACT}`, 0]) {
    const server = createServer((socket) => socket.end(`${CANARY}\n`))
    servers.push(server)
    await new Promise<void>((resolve) => (typeof at === 'number' ? server.listen(at, '127.0.0.1', resolve) : server.listen(at, resolve)))
  }
  chmodSync(join(directory, 'socket'), 0o777)
  const address = servers.at(-1)?.address()
  const key = 0x7269_0000 + (process.pid & 0xffff)
  const memory = python(
    `${SHARED}; i = l.shmget(${key}, 99, 0o1666); p = l.shmat(i, 0, 0); ctypes.memmove(p, b"${CANARY}", ${CANARY.length + 1}); print(i)`,
  )
  const decoys: ChildProcess[] = []
  return {
    directory,
    port: typeof address === 'object' && address ? address.port : 0,
    fd: openSync(join(directory, 'canary'), 'r'),
    key,
    decoy(user) {
      const [program = 'sleep', ...words] = [...(user === undefined ? [] : asUser(user)), 'sleep', '3600']
      const child = spawn(program, words, { stdio: 'ignore', env: { PATH: process.env.PATH, PROBE: CANARY } })
      decoys.push(child)
      return child.pid ?? 0
    },
    written() {
      const names = readdirSync(join(directory, 'writable'))
      for (const name of names) rmSync(join(directory, 'writable', name), { recursive: true })
      return names.length > 0
    },
    close() {
      for (const child of decoys) child.kill('SIGKILL')
      for (const server of servers) server.close()
      python(`${SHARED}; l.shmctl(${memory}, 0, 0)`)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
