import { describe, expect, test, vi } from 'vitest'
import { APIS, callOf, collect, failureOf, manualClock, requestOf, serverFaults, withServer } from './support.ts'

describe.each(APIS)('through %s', (api) => {
  test.each(['broken', 'ended'] as const)('a stream that is %s before anything was handed on is asked for again', async (type) => {
    const reply = serverFaults[type](1, { text: 'Hello there.' })
    await withServer([reply, { text: 'Hello there.' }], async (_, model) => {
      const { text, response } = await collect(model({ api }).stream(requestOf(), callOf()))
      expect(text).toBe('Hello there.')
      expect(response.usage.requests).toBe(2)
    })
  })

  test.each(['broken', 'ended'] as const)('a stream that is %s in the middle is interrupted, never an answer', async (type) => {
    const reply = serverFaults[type](api === 'responses' ? 6 : 3, { text: 'Hello there, and so on.' })
    await withServer([reply], async (server, model) => {
      const { error, events } = await failureOf(model({ api }).stream(requestOf(), callOf()))
      expect(error).toMatchObject({ code: 'model.interrupted', retry: 'safe' })
      expect(events.map((event) => event.type)).toEqual(['text-delta', 'text-delta'])
      expect(server.requests).toHaveLength(1)
    })
  })

  test('a cut in the arguments of a tool is asked for again, since none of it was handed on', async () => {
    const toolCalls = [{ name: 'search', arguments: { query: 'something that is long enough to be cut in two' } }]
    await withServer([serverFaults.broken(4, { toolCalls }), { toolCalls }], async (_, model) => {
      const { response } = await collect(model({ api }).stream(requestOf(), callOf()))
      expect(response.items).toMatchObject([{ type: 'tool_call', arguments: JSON.stringify(toolCalls[0]?.arguments) }])
    })
  })

  test.each(['max_output_tokens', 'content_filter'] as const)(
    'an answer that ends by %s is interrupted with the reason',
    async (reason) => {
      await withServer([{ text: 'Once upon', fault: { type: 'incomplete', reason } }], async (server, model) => {
        const { error } = await failureOf(model({ api }).stream(requestOf(), callOf()))
        expect(error).toMatchObject({ code: 'model.interrupted', retry: 'never', details: { reason, usage: { outputTokens: 2 } } })
        expect(server.requests).toHaveLength(1)
      })
    },
  )

  test('a failure that the stream tells of is tried again when it can pass, and told when it cannot', async () => {
    const passing = { fault: { type: 'failed', code: 'server_error', message: 'Oh.' } } as const
    const lasting = { fault: { type: 'failed', code: 'invalid_prompt', message: 'This prompt is not allowed.' } } as const
    const limited = { fault: { type: 'failed', code: 'rate_limit_exceeded', message: 'Slow down.' } } as const
    await withServer([passing, { text: 'Well.' }, lasting, limited], async (_, model) => {
      expect((await collect(model({ api }).stream(requestOf(), callOf()))).text).toBe('Well.')
      const { error } = await failureOf(model({ api }).stream(requestOf(), callOf()))
      expect(error).toMatchObject({ code: 'model.failed', retry: 'never', details: { code: 'invalid_prompt' } })
      expect(error.message).toContain('This prompt is not allowed.')
      const rate = await failureOf(model({ api, maxRetries: 0 }).stream(requestOf(), callOf()))
      expect(rate.error.code).toBe('model.rate-limited')
    })
  })

  test('a failure after a part was handed on is an interruption', async () => {
    await withServer([{ text: 'Once', fault: { type: 'failed', code: 'server_error', message: 'Oh.' } }], async (server, model) => {
      const { error, events } = await failureOf(model({ api }).stream(requestOf(), callOf()))
      expect(error).toMatchObject({ code: 'model.interrupted', retry: 'safe' })
      expect(error.message).toContain('Oh.')
      expect(events).toHaveLength(1)
      expect(server.requests).toHaveLength(1)
    })
  })

  test.each([undefined, 1])('a service that falls silent after %s events is given up', async (afterEvents) => {
    await withServer([serverFaults.silent(afterEvents, { text: 'Hello' })], async (server, model) => {
      const clock = manualClock()
      const failed = failureOf(model({ api, timeoutMs: 5_000, maxRetries: 0 }).stream(requestOf(), callOf({ clock })))
      await clock.whenSleeping()
      // The clock moves when the server has the request, and again when its first event was heard.
      await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 60_000 })
      await vi.waitFor(
        async () => {
          await clock.advance(5_000)
          expect(clock.sleeping).toBe(0)
        },
        { timeout: 60_000 },
      )
      const { error } = await failed
      expect(error.message).toContain('silent for 5000 ms')
      expect(['model.failed', 'model.interrupted']).toContain(error.code)
      await server.requests[0]?.ended
    })
  })

  test('an abort rejects with its reason, and closes the connection', async () => {
    await withServer([serverFaults.silent(4, { text: 'Hello there' })], async (server, model) => {
      const stopping = new AbortController()
      const reason = new Error('enough')
      const events = model({ api })
        .stream(requestOf(), callOf({ signal: stopping.signal }))
        [Symbol.asyncIterator]()
      const read = (async () => {
        for (;;) {
          const next = await events.next()
          if (next.done) return
          stopping.abort(reason)
        }
      })()
      if (api === 'responses') {
        // Its first four events hold no text: the abort comes from outside.
        await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 60_000 })
        stopping.abort(reason)
      }
      await expect(read).rejects.toBe(reason)
      await server.requests[0]?.ended
    })
  })

  test('an abort before the start sends nothing', async () => {
    await withServer([], async (server, model) => {
      const signal = AbortSignal.abort('early')
      await expect(collect(model({ api }).stream(requestOf(), callOf({ signal })))).rejects.toBe('early')
      expect(server.requests).toHaveLength(0)
    })
  })

  test('an abort ends a wait before a retry', async () => {
    await withServer([serverFaults.serverError()], async (_, model) => {
      const clock = manualClock()
      const stopping = new AbortController()
      const failed = collect(model({ api }).stream(requestOf(), callOf({ clock, signal: stopping.signal })))
      await vi.waitFor(() => expect(clock.sleeps).toHaveLength(1), { timeout: 60_000 })
      stopping.abort('enough')
      await expect(failed).rejects.toBe('enough')
      expect(clock.sleeping).toBe(0)
    })
  })

  test('a reader that leaves in the middle closes the connection', async () => {
    await withServer([serverFaults.silent(7, { text: 'Hello there, and so on' })], async (server, model) => {
      const clock = manualClock()
      for await (const event of model({ api }).stream(requestOf(), callOf({ clock }))) {
        expect(event.type).toBe('text-delta')
        break
      }
      await server.requests[0]?.ended
      expect(clock.sleeping).toBe(0)
    })
  })
})
