import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type CreateRequest, type Sandbox, systemRuntime } from '@ringfence/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { api, missing, socketPath, startEngine } from './engine.ts'
import { fillProbes, make, PROBES } from './images.ts'
import { once, runDirectory } from './once.ts'
import { hostReach } from './probes/host-reach.ts'
import { keeper } from './probes/keeper.ts'
import { kernel } from './probes/kernel.ts'
import { network } from './probes/network.ts'
import type { Machine, Probe, Probes } from './probes/probe.ts'
import { resources } from './probes/resources.ts'
import { rawExec, uncontrolled } from './probes/uncontrolled.ts'
import { finish, installation, removed, requestFor } from './support.ts'

const ALL: readonly Probes[] = [hostReach, keeper, kernel, network, resources]
/** Fewer than these shown to succeed without their control mean that the probes themselves are broken. */
const LEAST_SHOWN = 30
const AT_ONCE = 4
const canary = `ringfence-canary-${randomBytes(8).toString('hex')}`

/** In the network of the engine: a metadata service and a name server that echoes; and an abstract socket. */
const SERVICES = `
const port = require('node:net').createServer((socket) => socket.on('error', () => undefined).end('here'))
port.listen(80, '0.0.0.0', () => {
  const dns = require('node:dgram').createSocket('udp4')
  dns.on('message', (question, from) => dns.send(question, from.port, from.address))
  dns.bind(53, '0.0.0.0', () => console.log('up'))
})`
const ABSTRACT = `$| = 1; socket(S, 1, 1, 0); bind(S, pack("S", 1) . "\\0${canary}") && listen(S, 9) && print "up\\n"; sleep 6000`

describe.skipIf(missing !== undefined)(`ways out of a container${missing ? ` (${missing})` : ''}`, () => {
  const services: ChildProcess[] = []
  let machine: Machine
  const made: string[] = []

  beforeAll(async () => {
    await startEngine()
    await once('probes', () => make(PROBES, fillProbes))
    await startServices()
    machine = { socketPath, gateway: await gatewayOfBridge(), canary, abstractSocket: canary, hostname: hostname() }
    writeFileSync(`/dev/shm/${canary}`, '')
  })
  afterAll(async () => {
    for (const one of services) one.kill('SIGKILL')
    rmSync(`/dev/shm/${canary}`, { force: true })
    for (const id of made) await removed(id)
  })

  async function hardened(over: Partial<CreateRequest> = {}, readOnlyRoot = false): Promise<Sandbox> {
    const sandbox = await docker({ image: PROBES, socketPath, readOnlyRoot }).create(requestFor(over), systemRuntime)
    made.push(sandbox.info.id)
    return sandbox
  }

  /** Makes something once for all the probes that want the same. */
  function shared<T>(): (key: unknown, work: () => Promise<T>) => Promise<T> {
    const known = new Map<string, Promise<T>>()
    return (key, work) => {
      const name = JSON.stringify(key)
      const there = known.get(name) ?? work()
      known.set(name, there)
      return there
    }
  }

  test('each is held, and succeeds when its own control is off', { timeout: 600_000 }, async () => {
    const neighbour = await hardened()
    const { code } = await rawExec(neighbour.info.id, ['sh', '-c', 'sleep 3000 >/dev/null 2>&1 &'], '1000:1000', [`CANARY=${canary}`])
    expect(code).toBe(0)
    const sandboxes = shared<Sandbox>()
    const containers = shared<string>()

    const attempt = async ({ script, as, limits = {}, readOnlyRoot, off, cannot }: Probe): Promise<{ held: boolean; control: string }> => {
      const sandbox = await sandboxes([limits, readOnlyRoot], () => hardened({ limits }, readOnlyRoot))
      const argv = ['sh', '-c', script]
      const inside = await finish(await sandbox.spawn(argv, as ? { user: as } : {})).then(
        ({ code }) => code,
        // A container that was ended by what it tried has held it too.
        () => 'gone',
      )
      const held = inside !== 0
      const reason = cannot?.()
      if (reason !== undefined) return { held, control: `not provable here: ${reason}` }
      const id = await containers([limits, readOnlyRoot, off.host, off.config], async () => {
        const one = await uncontrolled(sandbox.info.id, off)
        made.push(one)
        return one
      })
      let last = { code: 1, output: '' }
      // One that ever succeeds is proven: a busy machine may let one time out.
      for (let tries = 0; tries < 3 && last.code !== 0; tries += 1) last = await rawExec(id, argv, off.user ?? as ?? '1000:1000')
      const { code, output } = last
      return { held, control: code === 0 ? 'control-off succeeded' : `control-off FAILED with ${code} ${output.trim()}` }
    }

    const version = Number.parseInt(JSON.parse((await api('GET', '/version')).body).Version, 10)
    const isDue = ({ since = 0 }: Probe): boolean => version >= since
    const results: { probe: Probe; held: boolean; control: string }[] = []
    const probes = ALL.flatMap((some) => some(machine))
    for (let done = 0; done < probes.length; done += AT_ONCE)
      results.push(...(await Promise.all(probes.slice(done, done + AT_ONCE).map(async (probe) => ({ probe, ...(await attempt(probe)) })))))
    for (const { probe, held, control } of results) {
      const outcome = held ? 'held' : isDue(probe) ? 'NOT HELD' : `not held before engine ${probe.since}`
      const off = probe.off.user === undefined ? Object.keys(probe.off.host ?? {}).join(', ') : `user ${probe.off.user}`
      console.log(`${outcome} / ${control}  ${probe.id}  ${probe.what} [${off}]`)
    }
    const idsOf = (which: (result: (typeof results)[number]) => boolean): string[] => results.filter(which).map(({ probe }) => probe.id)
    expect(idsOf(({ held, probe }) => !held && isDue(probe))).toEqual([])
    expect(idsOf(({ control }) => control.startsWith('control-off FAILED'))).toEqual([])
    expect(idsOf(({ control }) => control === 'control-off succeeded').length).toBeGreaterThanOrEqual(LEAST_SHOWN)
    expect(new Set(results.map(({ probe }) => probe.id)).size).toBe(results.length)
  })

  test('a fork bomb is stopped, the host goes on, and the sandbox can be ended', { timeout: 240_000 }, async () => {
    const sandbox = await hardened({ limits: { processes: 100, memoryBytes: 256 * 1024 ** 2 } })
    const bomb = await sandbox.spawn(['bash', '-c', 'b() { b | b & }; b; sleep 600'])
    const output = bomb.output[Symbol.asyncIterator]()
    let said = ''
    for (let next = await output.next(); !next.done && !said.includes('Resource temporarily unavailable'); next = await output.next())
      said += Buffer.from(next.value.bytes).toString()
    expect(said).toContain('Resource temporarily unavailable')
    for (let index = 0; index < 20; index += 1) await promisify(execFile)('true')
    expect((await api('GET', '/_ping')).status).toBe(200)
    await sandbox.destroy()
  })

  test('a command gets three descriptors, and begins inside', async () => {
    const sandbox = await hardened()
    const { stdout } = await finish(
      await sandbox.spawn(['bash', '-c', 'cd -P /proc/self/fd; echo *; pwd -P >&2; cd -P /proc/self/cwd && pwd -P']),
    )
    expect(stdout).toMatch(/^0 1 2(?: 3)?\n\/proc\/\d+\/fd\n$/)
    expect(installation).not.toBe('')
  })

  /** A process in the namespaces of the engine. */
  function inEngine(): string {
    const init = readFileSync(join(runDirectory(), 'pid'), 'utf8')
    const inside = readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').split(' ')[0] ?? ''
    expect(existsSync(`/proc/${inside}`)).toBe(true)
    return inside
  }

  /** Asked of the kernel: an engine that was never started before does not tell it. */
  async function gatewayOfBridge(): Promise<string> {
    const { stdout } = await promisify(execFile)('nsenter', ['-t', inEngine(), '-n', 'ip', '-4', '-o', 'address', 'show', 'docker0'])
    const address = /inet ([0-9.]+)\//.exec(stdout)?.[1]
    if (address === undefined) throw new Error(`The bridge has no address: ${stdout}`)
    return address
  }

  async function startServices(): Promise<void> {
    const inside = inEngine()
    await promisify(execFile)('nsenter', ['-t', inside, '-n', 'ip', 'address', 'replace', '169.254.169.254/32', 'dev', 'lo'])
    const programs = [
      [process.execPath, '-e', SERVICES],
      ['perl', '-e', ABSTRACT],
    ]
    const children = programs.map((argv) => spawn('nsenter', ['-t', inside, '-n', ...argv], { stdio: ['ignore', 'pipe', 'inherit'] }))
    services.push(...children)
    for (const { stdout } of children) for await (const chunk of stdout) if (String(chunk).includes('up')) break
  }
})
