import { type Provider, type Sandbox, systemRuntime } from '@ringfence/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, makeImages } from './images.ts'
import { containers, create, defer, errorOf, finish, inspect, removed, requestFor, sh, until } from './support.ts'

type Suspendable = Sandbox & { readonly suspend: NonNullable<Sandbox['suspend']>; readonly lifetime: NonNullable<Sandbox['lifetime']> }

function suspendable(sandbox: Sandbox): Suspendable {
  const { suspend, lifetime } = sandbox
  if (!suspend || !lifetime) throw new Error('It cannot be paused')
  return { ...sandbox, suspend, lifetime }
}

const isPaused = async (id: string): Promise<unknown> => Object((await inspect(id))?.State).Paused
const provider = (): Provider => docker({ image: BUSYBOX, socketPath })

describe.skipIf(missing !== undefined)(`docker suspended${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    await startEngine()
    await makeImages()
  })

  test('a pause never meets a process that is about to start, and each of them ends well', { timeout: 300_000 }, async () => {
    const { suspend, spawn } = suspendable(await create())
    for (let round = 0; round < 8; round += 1) {
      const begun = Promise.all(['a', 'b', 'c'].map((word) => spawn(['echo', word])))
      await Promise.all([suspend.pause(), ...(round % 2 ? [begun] : [])].slice(0, 1))
      await suspend.resume()
      const results = await Promise.all((await begun).map(finish))
      expect(results.map(({ stdout, code }) => [stdout, code])).toEqual(['a', 'b', 'c'].map((word) => [`${word}\n`, 0]))
      // It was handed over before it ran.
      const late = await spawn(['echo', 'late'])
      await suspend.pause()
      await suspend.resume()
      expect((await finish(late)).stdout).toBe('late\n')
    }
  })

  test('what is started while it is paused begins when it goes on, and ends with the handle', async () => {
    const sandbox = suspendable(await create())
    const other = suspendable(await provider().resume(sandbox.state, { lifetimeMs: 300_000 }, systemRuntime))
    await sandbox.suspend.pause()
    const waiting = sandbox.spawn(['echo', 'late'])
    const closed = errorOf(other.spawn(['echo', 'never']))
    await other.release()
    expect((await closed).code).toBe('sandbox.closed')
    expect(await isPaused(sandbox.info.id)).toBe(true)
    await sandbox.suspend.resume()
    expect((await finish(await waiting)).stdout).toBe('late\n')
  })

  test('a terminal can be let go while it is paused', async () => {
    const sandbox = suspendable(await create())
    const terminal = await sandbox.pty?.open(['sleep', '600'], { size: { columns: 80, rows: 24 } })
    await sandbox.suspend.pause()
    await terminal?.detach()
    expect(await isPaused(sandbox.info.id)).toBe(true)
    await sandbox.suspend.resume()
  })

  test('its life is prolonged while it is paused, with nothing that runs inside', { timeout: 240_000 }, async () => {
    const [first, second] = [suspendable(await create({}, { lifetimeMs: 8000 })), suspendable(await create({}, { lifetimeMs: 8000 }))]
    for (const { suspend } of [first, second]) await suspend.pause()
    await first.lifetime.extend(600_000)
    // A shorter one never takes it back.
    await first.lifetime.extend(1000)
    expect([await isPaused(first.info.id), await isPaused(second.info.id)]).toEqual([true, true])
    await until(async () => (await create()) && (await inspect(second.info.id)) === undefined)
    expect(await isPaused(first.info.id)).toBe(true)
    await first.suspend.resume()
    expect(await sh(first, 'echo alive')).toBe('alive\n')
    expect((await errorOf(second.suspend.resume())).code).toBe('sandbox.gone')
    expect((await errorOf(second.lifetime.extend(1000))).code).toBe('sandbox.gone')
  })

  test('its life is prolonged when it may start no more processes', async () => {
    const sandbox = suspendable(await create({}, { limits: { processes: 20 }, lifetimeMs: 60_000 }))
    await sandbox.spawn(['sh', '-c', 'while :; do sleep 600 & done'])
    await until(async () =>
      sh(sandbox, 'echo one').then(
        (said) => said !== 'one\n',
        () => true,
      ),
    )
    await sandbox.lifetime.extend(600_000)
  })

  test('one that is over while it is paused is not found, and whoever attaches to it ends it', { timeout: 240_000 }, async () => {
    const request = requestFor({ lifetimeMs: 2000 })
    const sandbox = suspendable(await create({}, request))
    await sandbox.suspend.pause()
    await until(async () => (await provider().find?.(request.ref, systemRuntime)) === undefined)
    expect(await isPaused(sandbox.info.id)).toBe(true)
    expect((await errorOf(provider().resume(sandbox.state, { lifetimeMs: 60_000 }, systemRuntime))).code).toBe('sandbox.gone')
    expect(await inspect(sandbox.info.id)).toBeUndefined()
  })

  test('its intent asked for again lets it go on; when it is over there is another', { timeout: 240_000 }, async () => {
    const request = requestFor()
    const sandbox = suspendable(await create({}, request))
    await sh(sandbox, 'echo kept >/workspace/f')
    await sandbox.suspend.pause()
    const same = suspendable(await create({}, request))
    expect([same.info.id, await sh(same, 'cat /workspace/f')]).toEqual([sandbox.info.id, 'kept\n'])

    const short = requestFor({ lifetimeMs: 2000 })
    const over = suspendable(await create({}, short))
    await over.suspend.pause()
    await until(async () => (await provider().find?.(short.ref, systemRuntime)) === undefined)
    const next = await create({}, { ...short, lifetimeMs: 300_000 })
    expect(next.info.id === over.info.id).toBe(false)
    expect(await sh(next, 'ls /workspace')).toBe('')
    expect((await containers()).map(({ Id }) => Id).sort()).toEqual([same.info.id, next.info.id].sort())
  })

  test('a sandbox of another installation stays paused, whatever its life', { timeout: 240_000 }, async () => {
    const ref = { ...requestFor().ref, installation: `other-${process.pid}` }
    const other = suspendable(await provider().create(requestFor({ ref, lifetimeMs: 2000 }), systemRuntime))
    defer(() => removed(other.info.id))
    await other.suspend.pause()
    await until(async () => (await provider().find?.(ref, systemRuntime)) === undefined)
    await create()
    expect(await isPaused(other.info.id)).toBe(true)
  })
})
