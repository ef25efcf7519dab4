import { type CreateRequest, isRingfenceError, secret, systemRuntime } from '@ringfence/core'
import { type E2bEmulator, startE2bEmulator, whatIsMissing } from '@ringfence/emulators/e2b'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { e2b } from '../src/index.ts'
import { newRequest, provider, sh } from './support.ts'

const missing = whatIsMissing()

async function thrown(work: Promise<unknown>): Promise<{ code: string; effect: string; message: string; hint: string | undefined }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isRingfenceError(error)) throw new Error(`It is no RingfenceError: ${String(error)}`)
  return error
}

describe.skipIf(missing !== undefined)(`e2b${missing ? ` (${missing})` : ''}`, () => {
  let emulator: E2bEmulator
  const create = (over: Partial<CreateRequest> = {}, of = provider(emulator)) => of.create({ ...newRequest(), ...over }, systemRuntime)

  beforeAll(async () => {
    emulator = await startE2bEmulator()
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    for (const id of emulator.ids()) await emulator.kill(id)
  })
  afterAll(() => emulator.close())

  test('options that are wrong are refused when the provider is made', () => {
    const wrong = [
      { unknown: 1 },
      { template: 'a b' },
      { apiKey: '' },
      { domain: 'https://e2b.app' },
      { metadata: { 'ringfence.run': 'x' } },
    ]
    for (const options of [...wrong, { sdk: { timeoutMs: 1 } }, { sdk: { requestTimeoutMs: 0 } }])
      expect(() => Reflect.apply(e2b, undefined, [options]), JSON.stringify(options)).toThrow(/e2b: The/)
  })

  test('a missing key is told before anything is sent, a wrong one by its variable', async () => {
    vi.stubEnv('E2B_API_KEY', undefined)
    emulator.traffic.reset()
    for (const apiKey of [undefined, secret.env('E2B_API_KEY')]) {
      const error = await thrown(create({}, provider(emulator, { apiKey })))
      expect(error).toMatchObject({ code: 'auth.missing', effect: 'none' })
      expect(error.hint).toContain('E2B_API_KEY')
    }
    expect(emulator.traffic.requests).toEqual([])
    const denied = await thrown(create({}, provider(emulator, { apiKey: 'e2b_wrong' })))
    expect(denied).toMatchObject({ code: 'auth.denied', effect: 'none' })
    expect(denied.hint).toContain('E2B_API_KEY')
    vi.stubEnv('E2B_API_KEY', emulator.apiKey)
    // The SDK then makes believe that there are sandboxes.
    vi.stubEnv('E2B_DEBUG', 'true')
    await (await create({}, provider(emulator, { apiKey: secret.env('E2B_API_KEY') }))).destroy()
  })

  test('a template that is not there, a service that is not there', async () => {
    const none = await thrown(create({}, provider(emulator, { template: 'nowhere' })))
    expect(none).toMatchObject({ code: 'sandbox.start-failed', effect: 'none' })
    const away = await startE2bEmulator()
    await away.close()
    expect(await thrown(create({}, provider(away)))).toMatchObject({ code: 'sandbox.unavailable', effect: 'none' })
  })

  test('two creators of one intent, each with a provider of its own, get one sandbox', async () => {
    const request = newRequest()
    const made = await Promise.all([create(request), create(request), create(request)])
    expect(new Set(made.map(({ info }) => info.id)).size).toBe(1)
    expect(emulator.ids()).toHaveLength(1)
    expect(await thrown(create({ ...request, egress: 'open' }))).toMatchObject({ code: 'config.invalid' })
    expect(emulator.ids()).toHaveLength(1)
  })

  test('a page of HTML from a proxy does not mean that the sandbox is gone', async () => {
    const sandbox = await create()
    emulator.traffic.reset()
    emulator.traffic.fail(1, { kind: 'html', when: 'before' })
    expect(await thrown(sandbox.lifetime.extend(600_000))).toMatchObject({ code: 'provider.failed' })
    await sandbox.lifetime.extend(600_000)
  })

  test('a snapshot keeps what is open, with all of its output; what root runs is cut with an error', async () => {
    const sandbox = await create()
    const count = 'i=0; while [ ! -e "$HOME/workspace/stop" ]; do i=$((i+1)); echo $i; done'
    const process = await sandbox.spawn(['sh', '-c', count], { stdin: true })
    const root = await sandbox.spawn(['sleep', '600'], { user: 'root' })
    const output = process.output[Symbol.asyncIterator]()
    let text = Buffer.from((await output.next()).value?.bytes ?? []).toString()
    const rootOutput = thrown(root.output[Symbol.asyncIterator]().next())
    const of = provider(emulator)
    for (let at = 0; at < 3; at++) await of.deleteSnapshot?.(await sandbox.snapshot.take(), systemRuntime)
    expect(await rootOutput).toMatchObject({ code: 'provider.failed' })
    expect(emulator.snapshotIds()).toEqual([])
    const stopping = sh(sandbox, ': > "$HOME/workspace/stop"')
    for (let next = await output.next(); !next.done; next = await output.next()) text += Buffer.from(next.value.bytes).toString()
    await stopping
    const numbers = text.trimEnd().split('\n')
    expect(numbers.findIndex((line, at) => line !== String(at + 1))).toBe(-1)
    expect(await process.exit).toEqual({ code: 0, signal: null })
  })

  test('a snapshot whose id was altered deletes no template', async () => {
    const sandbox = await create()
    const of = provider(emulator)
    const snapshot = await sandbox.snapshot.take()
    emulator.traffic.reset()
    await of.deleteSnapshot?.({ ...snapshot, id: 'base' }, systemRuntime)
    expect(emulator.traffic.requests.map(({ method }) => method)).toEqual(['GET'])
    await of.deleteSnapshot?.(snapshot, systemRuntime)
    expect(emulator.snapshotIds()).toEqual([])
  })

  test('the state has neither key nor place', async () => {
    const sandbox = await create()
    const json = JSON.stringify(sandbox.state)
    expect(json).toBe(JSON.stringify({ provider: 'e2b', id: sandbox.info.id, data: {} }))
    expect(JSON.stringify(provider(emulator))).not.toContain(emulator.apiKey)
  })
})
