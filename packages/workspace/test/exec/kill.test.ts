import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, fixture, processesWith, textOf, until, WIRES } from './fixture.ts'

let mark = 0

describe.each(Object.entries(WIRES))('killing over %s', (_, host) => {
  let it_: Fixture
  beforeAll(async () => {
    it_ = await fixture(host())
  })
  afterAll(async () => {
    await it_[Symbol.asyncDispose]()
  })
  /** A command line with a tree below it, part of which leaves session and group. */
  const tree = (): { word: string; line: string } => {
    const word = `31${process.pid}${++mark}`
    return { word, line: `echo up; setsid sleep ${word} & (sleep ${word} & sleep ${word}); sleep ${word}` }
  }

  it('ends the tree at the deadline', async () => {
    const { word, line } = tree()
    const result = await it_.exec.exec(line, { opId: it_.id(), timeoutMs: 4000 })
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGTERM', timedOut: true, stdout: 'up\n' })
    await until(() => processesWith(word) === 0)
  })

  it('kills what ignores the first signal', async () => {
    const result = await it_.exec.exec('trap "" TERM; echo on; while :; do sleep 0.1; done', { opId: it_.id(), timeoutMs: 4000 })
    expect(result).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: true, stdout: 'on\n' })
  })

  it('leaves no watchdog behind', async () => {
    const seconds = `7${process.pid}`
    await Promise.all(Array.from({ length: 10 }, () => it_.exec.exec('true', { opId: it_.id(), timeoutMs: Number(seconds) * 1000 })))
    await until(() => processesWith(`sleep ${seconds}`) === 0)
  })

  it('kills on abort and rejects with the reason', async () => {
    const { word, line } = tree()
    const abort = new AbortController()
    const running = it_.exec.exec(line, { opId: it_.id(), signal: abort.signal })
    await until(() => processesWith(word) >= 4)
    const reason = new TypeError('not wanted any more')
    abort.abort(reason)
    await expect(running).rejects.toBe(reason)
    await until(() => processesWith(word) === 0)
    await expect(it_.exec.exec('true', { opId: it_.id(), signal: abort.signal })).rejects.toBe(reason)
  })

  it('kills at once what is aborted at once', async () => {
    const { word, line } = tree()
    const abort = new AbortController()
    const running = it_.exec.exec(line, { opId: it_.id(), signal: abort.signal })
    abort.abort()
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
    await until(() => processesWith(word) === 0)
  })

  it('kills a started command on abort', async () => {
    const { word, line } = tree()
    const abort = new AbortController()
    const command = await it_.exec.start(line, { opId: it_.id(), signal: abort.signal })
    await until(() => processesWith(word) >= 4)
    abort.abort()
    await expect(command.exit).rejects.toMatchObject({ name: 'AbortError' })
    await expect(textOf(command.output)).rejects.toMatchObject({ name: 'AbortError' })
    await until(() => processesWith(word) === 0)
  })

  it('signals by name', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const { word, line } = tree()
      const command = await it_.exec.start(line, { opId: it_.id() })
      await until(() => processesWith(word) >= 4)
      await command.kill(signal)
      expect(await command.exit).toMatchObject({ exitCode: null, signal, timedOut: false })
      await until(() => processesWith(word) === 0)
      await command.kill(signal)
    }
    const command = await it_.exec.start('echo on; sleep 1000', { opId: it_.id() })
    await command.kill('SIGINT')
    expect((await command.exit).signal).toMatch(/^SIG(INT|TERM)$/)
  })

  it('lets a command handle the signal', async () => {
    const command = await it_.exec.start('trap "echo caught; exit 9" TERM; echo ready; while :; do sleep 0.1; done', { opId: it_.id() })
    let text = ''
    for await (const { fd, bytes } of command.output) {
      if (fd === 1) text += Buffer.from(bytes).toString()
      if (text === 'ready\n') await command.kill()
    }
    expect(text).toBe('ready\ncaught\n')
    expect(await command.exit).toMatchObject({ exitCode: 9, signal: null })
  })
})
