import { setTimeout as sleep } from 'node:timers/promises'
import { systemRandom } from '@ringfence/core'
import { openWorkspace, type Workspace } from '@ringfence/workspace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { type Certificates, makeCertificates } from './certificates.ts'
import { missing, startEngine } from './engine.ts'
import { BUSYBOX, makeImages } from './images.ts'
import { type Network, openNetwork } from './network.ts'
import { type RacingClock, racingClock } from './racing-clock.ts'
import { containers, defer, errorOf, expectToldClearly, installation, until } from './support.ts'

/** Deadlines of a minute take seconds. */
const RACE = 20

describe.skipIf(missing !== undefined)(`docker behind a network that breaks${missing ? ` (${missing})` : ''}`, () => {
  let certificates: Certificates | undefined
  const environment = { ...process.env }
  beforeAll(async () => {
    certificates = makeCertificates()
    await startEngine()
    await makeImages()
  })
  afterAll(() => {
    certificates?.remove()
    for (const name of ['DOCKER_HOST', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH']) delete process.env[name]
    Object.assign(process.env, environment)
  })

  /** A workspace on an engine that DOCKER_HOST names, and the network before it. */
  async function remote(way: 'TCP' | 'TLS'): Promise<{ network: Network; clock: RacingClock; open(): Promise<Workspace> }> {
    const network = await openNetwork(way === 'TLS' ? certificates : undefined)
    defer(() => network.close())
    const clock = racingClock()
    process.env.DOCKER_HOST = `tcp://127.0.0.1:${network.port}`
    if (way === 'TLS') Object.assign(process.env, { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certificates?.directory })
    else for (const name of ['DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH']) delete process.env[name]
    const sandbox = docker({ image: BUSYBOX })
    const open = (): Promise<Workspace> =>
      openWorkspace({ sandbox, installation, policy: { minimumIsolation: 'container' }, runtime: { clock, random: systemRandom } })
    return { network, clock, open }
  }

  const ways = (['TCP', 'TLS'] as const).flatMap((way) => (['silent', 'reset'] as const).map((mode) => ({ way, mode })))

  test.each(ways)(
    'over $way, a network that is $mode: what is under way fails clearly, what runs goes on',
    async ({ way, mode }) => {
      const { network, clock, open } = await remote(way)
      const workspace = await open()
      const idle = await open()
      const running = workspace.exec('echo begun >begun; while [ ! -e go ]; do sleep 0.1; done; echo ended', { opId: 'long' })
      const told = errorOf(running)
      let taken = 0
      const written = errorOf(
        workspace.writeFile(
          'big',
          feed(() => {
            taken += 1
          }),
        ),
      )
      await until(() => taken > 1)
      await until(async () => (await workspace.exec('ls begun')).exitCode === 0)
      network.set(mode)
      clock.race(RACE)
      for (const error of [
        await told,
        await written,
        await errorOf(idle.exec('true')),
        await errorOf(idle.readFile('x')),
        await errorOf(open()),
      ])
        expectToldClearly(error, ['provider.failed', 'exec.lost', 'sandbox.unavailable'])
      clock.race(1)
      network.set('open')
      await idle.writeFile('after', 'all')
      expect(await idle.readText('after')).toBe('all')
      await workspace.writeFile('go', '')
      const command = await workspace.attach('long')
      expect((await command.exit).exitCode).toBe(0)
      expect(await workspace.stat('big')).toBeUndefined()
      await workspace.destroy()
      await idle.destroy()
      // What was asked while the network was silent ends with its deadline.
      clock.race(RACE)
      await until(() => network.held() === 0)
      await until(async () => (await containers()).length === 0)
    },
    240_000,
  )

  test.each(ways)(
    'over $way, a network that is $mode while a sandbox is made and ended: nothing hangs, no connection stays',
    async ({ way, mode }) => {
      const { network, clock, open } = await remote(way)
      const workspace = await open()
      network.set(mode)
      clock.race(RACE)
      expectToldClearly(await errorOf(open()), ['provider.failed', 'sandbox.unavailable'])
      expectToldClearly(await errorOf(workspace.destroy()), ['provider.failed'])
      await until(() => network.held() === 0)
      clock.race(1)
      network.set('open')
      // What failed may be tried again.
      await workspace.destroy()
      await until(async () => (await containers()).length === 0)
    },
    240_000,
  )
})

/** Content that never ends, a little at a time, and tells when the first of it was taken. */
async function* feed(onTaken: () => void): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(300_000)
  for (;;) {
    yield Buffer.alloc(65_536)
    onTaken()
    await sleep(50)
  }
}
