import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { delimiter, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { once, runDirectory } from './once.ts'

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/ringfence/docker', import.meta.url))

/** Why there is no engine for tests here, with what to do; `undefined` when one can be started. */
export const missing: string | undefined = whatIsMissing()

/** The socket of the engine of this run. It need not be there yet. */
export const socketPath: string = missing === undefined ? join(runDirectory(), 'docker.sock') : '/nowhere/docker.sock'

/** Starts the engine of the run, unless it runs already. It is stopped by the global setup, at the end of all tests. */
export async function startEngine(): Promise<void> {
  await once('engine', async (directory) => {
    const log = openSync(join(directory, 'log'), 'w')
    const command = [
      ...['dockerd', '--data-root', dataRoot(), '--exec-root', join(directory, 'exec'), '-H', `unix://${socketPath}`],
      ...['-p', join(directory, 'dockerd.pid'), '--iptables=false', '--ip6tables=false', ...runtimes(directory)],
    ]
    // Namespaces of its own: its bridge does not meet that of the host, whatever it starts goes with it, and an init reaps.
    const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
    const child = spawn('unshare', [...namespaces, 'docker-init', '--', 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh', ...command], {
      detached: true,
      stdio: ['ignore', log, log],
      env: { PATH: process.env.PATH },
    })
    child.unref()
    let ended = false
    child.on('error', () => {
      ended = true
    })
    child.on('exit', () => {
      ended = true
    })
    writeFileSync(join(directory, 'pid'), String(child.pid))
    while (!(await answers())) {
      if (ended) throw new Error(`dockerd ended: ${readFileSync(join(directory, 'log'), 'utf8').slice(-2000)}`)
      await sleep(50)
    }
  })
}

async function answers(): Promise<boolean> {
  try {
    return (await api('GET', '/_ping')).status === 200
  } catch {
    // It does not listen yet.
    return false
  }
}

/** A request to an engine, apart from what is tested. A body is JSON, or a stream as it is. */
export type Api = (method: string, path: string, body?: object | Readable) => Promise<{ readonly status: number; readonly body: string }>

/** Asks the engine of this run. */
export const api: Api = (...request) => apiOf(socketPath)(...request)

/** Asks the engine behind a socket. */
export const apiOf =
  (socketPath: string): Api =>
  (method, path, body) =>
    new Promise((resolve, reject) => {
      const stream = body !== undefined && 'pipe' in body
      const outgoing = request({
        socketPath,
        method,
        path,
        headers: { connection: 'close', 'content-type': stream ? 'application/tar' : 'application/json' },
      })
      outgoing.on('error', reject)
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
      })
      if (stream) body.pipe(outgoing)
      else outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    })

/** gVisor under the name "runsc", where it is installed: with the one platform and network that it has without KVM. */
function runtimes(directory: string): readonly string[] {
  const path = programPath('runsc')
  if (path === undefined) return []
  const config = join(directory, 'daemon.json')
  writeFileSync(config, JSON.stringify({ runtimes: { runsc: { path, runtimeArgs: ['--network=none', '--platform=ptrace'] } } }))
  return ['--config-file', config]
}

/** A folder for images that stays from run to run, and belongs to this run alone as long as it lasts. */
function dataRoot(): string {
  mkdirSync(CACHE, { recursive: true })
  for (let index = 0; ; index += 1) {
    const lock = join(CACHE, `${index}.lock`)
    try {
      const holder = existsSync(lock) ? readFileSync(lock, 'utf8') : ''
      if (holder !== '' && !existsSync(holder)) rmSync(lock)
      writeFileSync(lock, runDirectory(), { flag: 'wx' })
      return join(CACHE, String(index))
    } catch {
      // Another run has it; the next one may be free.
    }
  }
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'an engine for tests needs Linux and root'
  const packages = Object.entries({
    dockerd: 'docker.io',
    'docker-init': 'tini',
    unshare: 'util-linux',
    ip: 'iproute2',
    busybox: 'busybox-static',
    openssl: 'openssl',
  })
    .filter(([program]) => programPath(program) === undefined)
    .map(([, name]) => name)
  return packages.length === 0 ? undefined : `apt-get install ${packages.join(' ')}`
}

/** Where a program is on this machine. */
export function programPath(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path))
}
