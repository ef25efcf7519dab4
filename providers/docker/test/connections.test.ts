import { type CreateRequest, type Sandbox, systemRuntime } from '@ringfence/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { openClient } from '../src/engine.ts'
import { docker } from '../src/index.ts'
import { nameOf } from '../src/spec.ts'
import { sweepIdle } from '../src/sweep.ts'
import { api, missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, makeImages } from './images.ts'
import { type EngineProxy, type Exchange, type Look, respond, startProxy } from './proxy.ts'
import { containers, create, defer, errorOf, expectHint, finish, inspect, installation, removed, requestFor, sh, until } from './support.ts'

async function proxied(look?: Look): Promise<EngineProxy> {
  const proxy = await startProxy(look)
  defer(() => proxy.close())
  return proxy
}

const through = (proxy: EngineProxy, request: CreateRequest, image = BUSYBOX): Promise<Sandbox> =>
  docker({ image, socketPath: proxy.socketPath }).create(request, systemRuntime)

/** The connection to the streams of the process that was started last. */
const lastStart = ({ exchanges }: EngineProxy): Exchange => {
  const found = exchanges.filter(({ path }) => path.endsWith('/start') && path.startsWith('/exec/')).at(-1)
  if (!found) throw new Error('nothing was started')
  return found
}

describe.skipIf(missing !== undefined)(`docker connections${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    await startEngine()
    await makeImages()
  })

  test('output that is cut in the middle of a frame is an error', async () => {
    let passed = 0
    const proxy = await proxied((exchange) => {
      if (/^\/exec\/.*\/start$/.test(exchange.path))
        exchange.answer = (bytes) => {
          const taken = bytes.subarray(0, Math.max(0, 20_000 - passed))
          passed += taken.length
          if (passed === 20_000) exchange.client.end(taken, () => exchange.cut())
          return passed === 20_000 ? undefined : taken
        }
      return undefined
    })
    const sandbox = await create({ socketPath: proxy.socketPath })
    const process = await sandbox.spawn(['head', '-c', '100000', '/dev/zero'])
    const error = await errorOf(finish(process))
    expect(error.code).toBe('provider.failed')
    expect(error.message).toMatch(/frame|cut/)
    expect((await errorOf(process.exit)).code).toBe('provider.failed')
  })

  test('output that is cut between two frames, while the process runs, is an error; on a terminal too', { timeout: 240_000 }, async () => {
    const proxy = await proxied()
    const sandbox = await create({ socketPath: proxy.socketPath })
    const process = await sandbox.spawn(['sh', '-c', 'echo early; sleep 600'])
    const output = process.output[Symbol.asyncIterator]()
    await output.next()
    lastStart(proxy).cut()
    expectHintless(await errorOf(output.next()))
    expectHintless(await errorOf(process.exit))
    const terminal = await sandbox.pty?.open(['sh', '-c', 'echo early; sleep 600'], { size: { columns: 80, rows: 24 } })
    if (!terminal) throw new Error('no terminal')
    lastStart(proxy).cut()
    expectHintless(await errorOf(finish(terminal)))
  })

  test('a container that was removed behind our back is gone, for what runs and for what comes', async () => {
    const sandbox = await create()
    const process = await sandbox.spawn(['sh', '-c', 'echo early; sleep 600'], { stdin: true })
    const output = process.output[Symbol.asyncIterator]()
    await output.next()
    const reading = output.next().then(
      async () => String((await process.exit).code),
      (error) => error.code,
    )
    await removed(sandbox.info.id)
    expect(['137', 'sandbox.gone']).toContain(await reading)
    expect((await errorOf(process.stdin?.write(Buffer.from('x')) ?? Promise.resolve())).code).toBe('exec.invalid-stdin')
    expect((await errorOf(sandbox.spawn(['true']))).code).toBe('sandbox.gone')
    expect((await errorOf(sandbox.lifetime?.extend(1000) ?? Promise.resolve())).code).toBe('sandbox.gone')
    await sandbox.destroy()
  })

  test('a release closes every connection', async () => {
    const proxy = await proxied()
    const sandbox = await create({ socketPath: proxy.socketPath })
    const processes = await Promise.all([sandbox.spawn(['sleep', '600']), sandbox.spawn(['cat'], { stdin: true })])
    expect(proxy.open()).toBeGreaterThan(1)
    await sandbox.release()
    for (const process of processes) expect((await errorOf(finish(process))).code).toBe('sandbox.closed')
    await until(() => proxy.open() === 0)
  })

  test('an aborted creation leaves nothing, at whichever step', { timeout: 240_000 }, async () => {
    const steps = [
      /^GET \/images/,
      /^POST \/containers\/create/,
      /^POST .*\/attach/,
      /^PUT .*archive/,
      /^POST .*\/start/,
      /^GET \/containers\/[0-9a-f]{64}\/json/,
    ]
    for (const step of steps) {
      const abort = new AbortController()
      const reason = new Error(`no longer at ${step}`)
      const proxy = await proxied(({ method, path }) => {
        if (step.test(`${method} ${path}`)) abort.abort(reason)
        return undefined
      })
      await expect(through(proxy, requestFor({ signal: abort.signal }))).rejects.toBe(reason)
      expect(await containers()).toEqual([])
      await until(() => proxy.open() === 0)
    }
  })

  test('a creation whose answer was lost is found by its name', async () => {
    let lost = 0
    const proxy = await proxied((exchange) => {
      if (exchange.path.startsWith('/containers/create'))
        exchange.answer = () => {
          lost += 1
          exchange.cut()
          return undefined
        }
      return undefined
    })
    const sandbox = await through(proxy, requestFor())
    defer(() => removed(sandbox.info.id))
    expect(lost).toBe(1)
    expect(await sh(sandbox, 'echo on')).toBe('on\n')
    expect((await containers()).length).toBe(1)
  })

  test('what a dead creator made and did not start is finished by the next', async () => {
    const request = requestFor()
    const proxy = await proxied(({ path }) => path.endsWith('/start'))
    const dead = errorOf(through(proxy, request))
    await until(() => proxy.exchanges.some(({ path }) => path.endsWith('/start')))
    const sandbox = await create({}, request)
    expect(await sh(sandbox, 'stat -c %U /workspace')).toBe('sandbox\n')
    expect((await containers()).map(({ Id }) => Id)).toEqual([sandbox.info.id])
    await proxy.close()
    await dead
  })

  test('what nobody finishes is swept when it is old, and nothing else', async () => {
    const request = requestFor()
    const make = async (name: string, labels: object, start = false): Promise<string> => {
      const body = { Image: BUSYBOX, Cmd: ['sleep', '600'], Labels: labels }
      const { Id } = JSON.parse((await api('POST', `/containers/create?name=${name}-${process.pid}`, body)).body)
      defer(() => removed(Id))
      if (start) await api('POST', `/containers/${Id}/start`)
      return Id
    }
    const labels = { 'dev.ringfence.installation': installation }
    const left = await make('left', labels)
    const kept = [
      await make('runs', labels, true),
      await make('other', { 'dev.ringfence.installation': 'other' }),
      await make('unlabelled', {}),
    ]
    const engine = { ...(await openClient({ kind: 'socket', socketPath })), context: systemRuntime }
    await sweepIdle(engine, request.ref.installation, 3_600_000)
    expect(await inspect(left)).toBeDefined()
    await sweepIdle(engine, request.ref.installation, 0)
    expect(await inspect(left)).toBeUndefined()
    for (const id of kept) expect(await inspect(id)).toBeDefined()
  })

  test('a missing image is pulled once for all who wait, and the pull ends with the last of them', async () => {
    const pulls: Exchange[] = []
    const image = `ringfence-test/pulled:${process.pid}`
    const proxy = await proxied((exchange) => {
      if (!exchange.path.startsWith('/images/create')) return undefined
      exchange.client.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"status":"Pulling"}\n')
      return pulls.push(exchange) > 0
    })
    const provider = docker({ image, socketPath: proxy.socketPath })
    const aborts = [new AbortController(), new AbortController(), new AbortController()]
    const all = aborts.map(({ signal }) =>
      provider.create(requestFor({ signal }), systemRuntime).then(
        (one) => one.info.id,
        (error) => error,
      ),
    )
    await until(() => pulls.length > 0 && proxy.exchanges.filter(({ path }) => path.startsWith('/images/ring')).length === 3)
    aborts[0]?.abort('first')
    expect(await all[0]).toBe('first')
    expect([pulls.length, pulls[0]?.client.readableEnded]).toEqual([1, false])
    aborts[1]?.abort('second')
    aborts[2]?.abort('third')
    expect(await Promise.all(all)).toEqual(['first', 'second', 'third'])
    await until(() => pulls[0]?.client.readableEnded === true)
    const again = provider.create(requestFor(), systemRuntime)
    await until(() => pulls.length === 2)
    await api('POST', `/images/${BUSYBOX}/tag?repo=${image.replace(':', '&tag=')}`)
    pulls[1]?.client.end('{"status":"Downloaded"}\n')
    const sandbox = await again
    defer(() => removed(sandbox.info.id))
    expect(pulls[1]?.path).toContain('fromImage=ringfence-test%2Fpulled&')
    await api('DELETE', `/images/${image}`)
    expect(await containers()).toHaveLength(1)
  })

  test('a pull that fails or is cut says so', async () => {
    for (const [answer, said] of [
      ['{"errorDetail":{"message":"toomanyrequests: slow down"}}\n', /slow down/],
      ['{"stat', /no JSON|cut/],
    ] as const) {
      const proxy = await proxied(({ path, client }) => {
        if (!path.startsWith('/images/create')) return undefined
        client.end(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n${answer}`)
        return true
      })
      expectHint(await errorOf(through(proxy, requestFor(), 'ringfence-test/nowhere')), 'sandbox.start-failed', said)
    }
  })

  test('an answer that is cut in its middle is an error, and nothing hangs', async () => {
    const proxy = await proxied((exchange) => {
      if (!exchange.path.startsWith('/images/')) return undefined
      exchange.client.end('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"Id":', () => exchange.cut())
      return true
    })
    expect((await errorOf(through(proxy, requestFor()))).code).toBe('provider.failed')
  })

  test('an engine that goes away in the middle of a run is no gone sandbox', async () => {
    let away = false
    const proxy = await proxied((exchange) => {
      if (away) exchange.cut()
      return away
    })
    const sandbox = await create({ socketPath: proxy.socketPath })
    const process = await sandbox.spawn(['sleep', '600'])
    away = true
    lastStart(proxy).cut()
    expect((await errorOf(finish(process))).code).toBe('provider.failed')
    expect((await errorOf(sandbox.spawn(['true']))).code).toBe('provider.failed')
    await proxy.close()
    expect((await errorOf(sandbox.spawn(['true']))).code).toBe('provider.failed')
    const found = await docker({ socketPath }).find?.(requestOf(await inspect(sandbox.info.id)), systemRuntime)
    expect(found?.id).toBe(sandbox.info.id)
  })

  test('a refusal of the authorization is told as one', async () => {
    const proxy = await proxied((exchange) =>
      exchange.path.startsWith('/containers/create') ? respond(exchange, 403, { message: 'authorization denied by plugin' }) : undefined,
    )
    expectHint(await errorOf(through(proxy, requestFor())), 'auth.denied', /denied by plugin/)
  })
})

function expectHintless(error: { code: string; message: string }): void {
  expect(error.code).toBe('provider.failed')
  expect(error.message).toMatch(/cut/)
}

/** The reference that a container was made for. */
function requestOf(inspected: Record<string, never> | undefined): CreateRequest['ref'] {
  const labels = Object(Object(inspected?.Config).Labels)
  const text = (name: string): string => String(labels[`dev.ringfence.${name}`])
  const ref = { installation: text('installation'), runId: text('run'), intentId: text('intent') }
  expect(String(inspected?.Name)).toBe(`/${nameOf(ref)}`)
  return ref
}
