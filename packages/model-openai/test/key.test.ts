import { createServer } from 'node:http'
import { inspect } from 'node:util'
import { secret } from '@ringfence/core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openai } from '../src/index.ts'
import { APIS, callOf, collect, failureOf, KEY, modelServer, requestOf, withServer } from './support.ts'

afterEach(() => vi.unstubAllEnvs())

describe.each(APIS)('through %s', (api) => {
  test('a redirect is not followed: neither the key nor the conversation goes to another origin', async () => {
    const other = await modelServer({ respond: [{ text: 'Thanks for the key.' }] })
    try {
      const replies = [307, 302].map((status) => ({
        fault: { type: 'respond', status, body: '', headers: { location: `${other.baseURL}/${api}` } } as const,
      }))
      await withServer(replies, async (server, model) => {
        for (let turn = 0; turn < 2; turn++) {
          const { error } = await failureOf(model({ api }).stream(requestOf(), callOf()))
          expect(error).toMatchObject({ code: 'model.failed', retry: 'never' })
          expect(error.message).toContain('redirects')
        }
        expect(other.requests).toHaveLength(0)
        expect(server.requests.map((request) => request.headers.authorization)).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`])
        for (const request of server.requests) {
          expect(`${request.path}${request.body}`).not.toContain(KEY)
          const others = Object.entries(request.headers).filter(([name]) => name !== 'authorization')
          expect(JSON.stringify(others)).not.toContain(KEY)
        }
      })
    } finally {
      await other.close()
    }
  })
})

describe('the key', () => {
  test('is missing, and the error names the variable', async () => {
    for (const value of [undefined, '']) {
      vi.stubEnv('OPENAI_API_KEY', value)
      const { error } = await failureOf(openai('gpt-5.5').stream(requestOf(), callOf()))
      expect(error).toMatchObject({ code: 'auth.missing', effect: 'none' })
      expect(error.message).toContain('"OPENAI_API_KEY"')
    }
    const other = openai('gpt-5.5', { apiKey: secret.env('RINGFENCE_TEST_NO_SUCH_KEY') })
    expect((await failureOf(other.stream(requestOf(), callOf()))).error.message).toContain('"RINGFENCE_TEST_NO_SUCH_KEY"')
  })

  test('comes late from its secret, and the base URL from the environment', async () => {
    await withServer([{ text: 'One.' }, { text: 'Two.' }], async (server) => {
      const model = openai('gpt-5.5')
      vi.stubEnv('OPENAI_API_KEY', KEY)
      vi.stubEnv('OPENAI_BASE_URL', server.baseURL)
      expect((await collect(model.stream(requestOf(), callOf()))).text).toBe('One.')
      const made = openai('gpt-5.5', { apiKey: secret.from('made', async () => KEY) })
      expect((await collect(made.stream(requestOf(), callOf()))).text).toBe('Two.')
    })
  })

  test('is nowhere in the model', () => {
    const model = openai('gpt-5.5', { apiKey: KEY, headers: { 'api-key': KEY } })
    expect(inspect(model, { depth: 20, showHidden: true })).not.toContain(KEY)
    expect(JSON.stringify(model)).not.toContain(KEY)
  })

  test.each(['tiny!', 'with\nbreak-in-it', 'with-\u2028-in-it'])('%j can be no key, and is not quoted', async (apiKey) => {
    expect(() => openai('gpt-5.5', { apiKey })).toThrow(expect.objectContaining({ code: 'config.invalid' }))
    const late = openai('gpt-5.5', { apiKey: secret.from('late', () => apiKey) })
    const { error } = await failureOf(late.stream(requestOf(), callOf()))
    expect(error.code).toBe('config.invalid')
    expect(error.message).not.toContain(apiKey)
  })
})

test.each([
  [{ baseURL: 'api.openai.com' }, 'baseURL'],
  [{ baseURL: 'ftp://example.com' }, 'ftp:'],
  [{ baseURL: `https://user:${KEY}@example.com` }, 'password'],
  [{ baseURL: `https://example.com/v1?key=${KEY}` }, 'query'],
  [{ timeoutMs: 0 }, 'timeoutMs'],
  [{ timeoutMs: 600_000 }, '300000'],
  [{ maxRetries: -1 }, 'maxRetries'],
  [{ headers: { 'a b': 'c' } }, 'a b'],
  [{ headers: { 'x-key': 'a\r\nb' } }, 'x-key'],
])('the options %j are refused when the model is made', (options, named) => {
  let error: unknown
  try {
    openai('gpt-5.5', options)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code: 'config.invalid', effect: 'none' })
  expect(inspect(error)).toContain(named)
  expect(inspect(error)).not.toContain(KEY)
})

test('headers of the app go along, and their values are kept out of errors', async () => {
  const value = 'gateway-key-0123456789'
  const server = createServer((request, response) => {
    response.writeHead(403, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ error: { message: `Not with ${String(request.headers['x-gateway'])}` } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  try {
    const baseURL = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/v1`
    const model = openai('gpt-5.5', { apiKey: KEY, baseURL, headers: { 'x-gateway': value } })
    const { error } = await failureOf(model.stream(requestOf(), callOf()))
    expect(error.code).toBe('auth.denied')
    expect(error.message).toContain('Not with [redacted]')
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
