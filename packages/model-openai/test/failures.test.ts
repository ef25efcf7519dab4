import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { openai } from '../src/index.ts'
import { APIS, callOf, collect, failureOf, KEY, manualClock, modelServer, requestOf, serverFaults, withServer } from './support.ts'

describe.each(APIS)('through %s', (api) => {
  test('a key that is refused is denied, and is not quoted even where the service quotes it', async () => {
    await withServer([serverFaults.unauthorized(`Incorrect API key provided: ${KEY}.`)], async (server, model) => {
      const { error } = await failureOf(model({ api }).stream(requestOf(), callOf()))
      expect(error).toMatchObject({ code: 'auth.denied', retry: 'never', effect: 'none' })
      expect(error.message).toContain('"apiKey"')
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(KEY)
      expect(server.requests).toHaveLength(1)
    })
  })

  test('a wrong key is denied by a server that checks it', async () => {
    await withServer([], async (_, model) => {
      const { error } = await failureOf(model({ api, apiKey: 'sk-another-key' }).stream(requestOf(), callOf()))
      expect(error.code).toBe('auth.denied')
    })
  })

  test('a rate limit is waited out as long as the service says, then given to the caller', async () => {
    const headers = [{ 'retry-after': '7' }, { 'retry-after-ms': '1500' }, { 'retry-after': new Date(1_700_000_030_000).toUTCString() }]
    await withServer(
      headers.map((one) => serverFaults.rateLimited(one)),
      async (server, model) => {
        const clock = manualClock({ autoAdvance: true })
        const call = callOf({ clock, random: { bytes: (length) => new Uint8Array(length) } })
        const { error } = await failureOf(model({ api }).stream(requestOf(), call))
        expect(clock.sleeps).toEqual([7000, 1500])
        expect(error).toMatchObject({ code: 'model.rate-limited', retry: { afterMs: 30_000 - 8_500 }, effect: 'none' })
        expect(server.requests).toHaveLength(3)
        expect(new Set(server.requests.map((request) => request.headers['idempotency-key'])).size).toBe(1)
      },
    )
  })

  test('a longer wait is left to the caller, and a used up quota is not asked again', async () => {
    const replies = [serverFaults.rateLimited({ 'retry-after': '3600' }), serverFaults.rateLimited({}, 'insufficient_quota')]
    await withServer(replies, async (server, model) => {
      const long = await failureOf(model({ api }).stream(requestOf(), callOf()))
      expect(long.error).toMatchObject({ code: 'model.rate-limited', retry: { afterMs: 3_600_000 } })
      const quota = await failureOf(model({ api }).stream(requestOf(), callOf()))
      expect(quota.error).toMatchObject({ code: 'model.rate-limited', retry: 'never' })
      expect(server.requests).toHaveLength(2)
    })
  })

  test('a failure of the service is tried again, each time after a longer wait', async () => {
    await withServer([serverFaults.serverError(), serverFaults.broken(), { text: 'There.' }], async (_, model) => {
      const clock = manualClock({ autoAdvance: true })
      const call = callOf({ clock, random: { bytes: (length) => new Uint8Array(length).fill(255) } })
      const { response } = await collect(model({ api }).stream(requestOf(), call))
      expect(clock.sleeps).toEqual([500, 1000])
      expect(response.usage.requests).toBe(3)
    })
  })

  test('a service that goes on failing is `model.failed`', async () => {
    await withServer([serverFaults.serverError(), serverFaults.serverError()], async (server, model) => {
      const { error } = await failureOf(model({ api, maxRetries: 1 }).stream(requestOf(), callOf()))
      expect(error).toMatchObject({ code: 'model.failed', retry: 'safe', details: { status: 500 } })
      expect(server.requests).toHaveLength(2)
    })
  })

  test.each([200, 404, 502])('HTML with status %d is no answer, and is quoted with the host', async (status) => {
    await withServer([serverFaults.html(status)], async (server, model) => {
      const { error } = await failureOf(model({ api, maxRetries: 0 }).stream(requestOf(), callOf()))
      expect(error.code).toBe(status === 502 ? 'model.failed' : 'model.invalid-response')
      expect(error.message).toContain('<!DOCTYPE html>')
      expect(error.message).toContain(new URL(server.baseURL).host)
      expect(`${error.hint}`).toMatch(status === 502 ? /service/ : /baseURL/)
    })
  })

  test.each([
    ['text', 'Hello, I am a web site.', 'text/plain'],
    ['a JSON list', '[1, 2]', 'application/json'],
    ['JSON of something else', '{"hello": "world"}', 'application/json'],
    ['events that are not JSON', 'data: hello\n\n', 'text/event-stream'],
  ])('%s is no answer', async (_, body, type) => {
    await withServer([{ fault: { type: 'respond', status: 200, body, headers: { 'content-type': type } } }], async (__, model) => {
      const { error } = await failureOf(model({ api, maxRetries: 0 }).stream(requestOf(), callOf()))
      expect(error.code).toBe('model.invalid-response')
    })
  })

  test('a base URL where nothing is, is named by the hint', async () => {
    const server = await modelServer({ respond: [] })
    await server.close()
    const model = openai('gpt-5.5', { api, apiKey: KEY, baseURL: server.baseURL })
    const clock = manualClock({ autoAdvance: true })
    const { error } = await failureOf(model.stream(requestOf(), callOf({ clock })))
    expect(error).toMatchObject({ code: 'model.failed', retry: 'safe', effect: 'none', details: { reason: 'ECONNREFUSED' } })
    expect(error.hint).toContain('baseURL')
    expect(clock.sleeps).toHaveLength(2)
  })

  test('a path where no API is, is named by the hint', async () => {
    await withServer([], async (server, model) => {
      const wrong = model({ api, baseURL: server.baseURL.replace('/v1', '') })
      const { error } = await failureOf(wrong.stream(requestOf(), callOf()))
      expect(error).toMatchObject({ code: 'model.failed', details: { status: 404 } })
      expect(error.hint).toContain('/v1')
    })
  })

  test('what the service refuses is quoted, and not tried again', async () => {
    await withServer([], async (server, model) => {
      const tools = [
        { type: 'function', name: 'search', description: '', parameters: { type: 'object', properties: { a: {} } }, strict: true },
      ] as const
      const { error } = await failureOf(model({ api }).stream(requestOf({ tools }), callOf()))
      expect(error).toMatchObject({ code: 'model.failed', retry: 'never', effect: 'none', details: { status: 400 } })
      expect(error.message).toContain('additionalProperties')
      expect(server.requests).toHaveLength(1)
    })
  })
})
