import { setTimeout as sleep } from 'node:timers/promises'
import { type Provider, type RingfenceError, systemRuntime } from '@ringfence/core'
import { openWorkspace, type Workspace } from '@ringfence/workspace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { missing } from './engine.ts'
import { BUSYBOX, fillBusybox, make } from './images.ts'
import { openPrivateEngine, type PrivateEngine } from './private-engine.ts'
import { startProxy } from './proxy.ts'
import { defer, errorOf, expectToldClearly, requestFor, until } from './support.ts'

/** What may be told of something that was under way when the engine ended. */
const CUT = ['provider.failed', 'exec.lost', 'sandbox.gone', 'sandbox.unavailable', 'sandbox.start-failed']
const CREATION = [/^POST \/containers\/create/, /^PUT .*archive/, /^POST .*\/start$/]

describe.skipIf(missing !== undefined).each([
  { kept: false, title: 'and its containers with it' },
  { kept: true, title: 'with live-restore' },
])(`an engine ends in the middle of a run, $title${missing ? ` (${missing})` : ''}`, ({ kept }) => {
  let engine: PrivateEngine
  let provider: Provider
  beforeAll(async () => {
    engine = await openPrivateEngine({ 'live-restore': kept })
    await engine.start()
    await make(BUSYBOX, fillBusybox, [], engine.api)
    provider = docker({ image: BUSYBOX, socketPath: engine.socketPath })
  })
  afterAll(() => engine?.close())

  const open = (): Promise<Workspace> => openWorkspace({ sandbox: provider, policy: { minimumIsolation: 'container' } })
  const containers = async (): Promise<{ Id: string; State: string }[]> =>
    JSON.parse((await engine.api('GET', '/containers/json?all=1')).body)

  test.each(['TERM', 'KILL'] as const)(
    'SIG%s: what is under way tells of it or goes on, and nothing hangs',
    { timeout: 240_000 },
    async (signal) => {
      const [running, writing, idle] = await Promise.all([open(), open(), open()])
      const executed = outcomeOf(
        running.exec('echo begun >begun; while [ ! -e go ]; do sleep 0.1; done; echo ended', { opId: 'long' }).then(({ stdout }) => stdout),
      )
      await until(async () => (await running.exec('ls begun')).exitCode === 0)
      let taken = 0
      const written = outcomeOf(
        writing.writeFile(
          'big',
          feed(() => ++taken),
        ),
      )
      await until(() => taken > 1)
      const { created, held } = await creations(engine)
      await held
      const ended = engine.end(signal)
      await ended
      expectToldClearly(await errorOf(idle.exec('true')), CUT)
      expectToldClearly(await errorOf(open()), ['sandbox.unavailable'])
      await engine.start()

      for (const one of await Promise.all(created)) if (typeof one !== 'string') expectToldClearly(one, CUT)
      const wrote = await written
      if (typeof wrote === 'object') expectToldClearly(wrote, CUT)
      // An engine may keep containers over its restart, where it is told to: then all goes on as if nothing had been.
      const survived = kept && (await idle.exec('true').catch(() => undefined)) !== undefined
      const result = await executed
      if (survived) {
        await running.writeFile('go', '')
        expect((await (await running.attach('long')).exit).exitCode).toBe(0)
      } else {
        for (const workspace of [idle, running, writing]) expect((await errorOf(workspace.exec('true'))).code).toBe('sandbox.gone')
        if (typeof result === 'string') throw new Error(`A command of a container that has ended gave "${result}"`)
        expectToldClearly(result, CUT)
      }
      expect(await (await open()).exec('echo fresh').then(({ stdout }) => stdout)).toBe('fresh\n')
      // What was busy is removed again. An engine may go on to list as dead what it has removed.
      await until(async () => {
        for (const { Id } of await containers()) await engine.api('DELETE', `/containers/${Id}?force=1&v=1`)
        return (await containers()).every(({ State }) => State === 'dead')
      })
    },
  )
})

/** A creation for each of its steps, which has come so far and no further when `held` is done. They go on when the engine ends. */
async function creations(engine: PrivateEngine): Promise<{ created: Promise<string | RingfenceError>[]; held: Promise<unknown> }> {
  const steps = await Promise.all(
    CREATION.map(async (step) => {
      let reached = (): void => undefined
      const held = new Promise<void>((resolve) => {
        reached = resolve
      })
      const proxy = await startProxy(({ method, path }) => {
        if (step.test(`${method} ${path}`)) reached()
        return undefined
      }, engine.socketPath)
      defer(() => proxy.close())
      const provider = docker({ image: BUSYBOX, socketPath: proxy.socketPath })
      return { held, created: outcomeOf(provider.create(requestFor(), systemRuntime).then(({ info }) => info.id)) }
    }),
  )
  return { created: steps.map(({ created }) => created), held: Promise.all(steps.map(({ held }) => held)) }
}

/** What came of it: a text, or the error. */
async function outcomeOf<T>(call: Promise<T>): Promise<T | RingfenceError> {
  return call.catch(() => errorOf(call))
}

/** Content that never ends, a little at a time. */
async function* feed(onTaken: () => void): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(300_000)
  for (;;) {
    yield Buffer.alloc(65_536)
    onTaken()
    await sleep(50)
  }
}
