import { createHash } from 'node:crypto'
import { isRingfenceError } from '@ringfence/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { drain, type LocalSandbox, readUntil, run, sh, testRoom, until } from './support.ts'

const room = testRoom()
let sandbox: LocalSandbox
beforeAll(async () => {
  sandbox = await room.create()
})

describe('spawn', () => {
  it('carries every byte in both directions, and the end of the input', async () => {
    const every = Buffer.from(Array.from({ length: 256 * 40 }, (_, index) => index & 255))
    const cat = await sandbox.spawn(['cat'], { stdin: true })
    const result = drain(cat)
    await cat.stdin?.write(every)
    await cat.stdin?.end()
    await cat.stdin?.end()
    const { stdout, stderr, exit } = await result
    expect(stdout.equals(every)).toBe(true)
    expect(stderr.length).toBe(0)
    expect(exit).toEqual({ code: 0, signal: null })
  })

  it('keeps both outputs apart', async () => {
    const { stdout, stderr } = await run(sandbox, ['sh', '-c', 'printf out; printf err >&2'])
    expect([stdout.toString(), stderr.toString()]).toEqual(['out', 'err'])
  })

  it('gives a process without stdin an end at once', async () => {
    expect((await run(sandbox, ['cat'])).exit).toEqual({ code: 0, signal: null })
  })

  it.each([0, 1, 3, 125, 126, 127, 128, 129, 130, 137, 143, 255])('brings the code %i back as a code', async (code) => {
    expect((await run(sandbox, ['sh', '-c', `exit ${code}`])).exit).toEqual({ code, signal: null })
  })

  it.each(['HUP', 'INT', 'QUIT', 'KILL', 'PIPE', 'TERM', 'SEGV'])('tells that %s ended a process', async (signal) => {
    expect((await run(sandbox, ['sh', '-c', `kill -${signal} $$`])).exit).toEqual({ code: null, signal: `SIG${signal}` })
  })

  it('hands arguments over unchanged', async () => {
    const words = [
      '',
      ' ',
      "it's",
      '"$HOME" `id` \\',
      'a\nb\n',
      '-n',
      '--',
      'é ā \u0081\u0088 日本 🎈',
      '*',
      '$(exit 9)',
      'x'.repeat(100_000),
    ]
    const { stdout } = await run(sandbox, ['printf', '%s\\0', ...words])
    expect(stdout.toString().split('\0').slice(0, -1)).toEqual(words)
  })

  it('refuses arguments that are longer than the profile says, before anything is done', async () => {
    await expect(sandbox.spawn(['true', 'x'.repeat(sandbox.profile.wire.maxArgvBytes)])).rejects.toMatchObject({ code: 'config.invalid' })
  })

  it.each([['no-such-program'], ['/no/such/program'], ['/workspace'], ['/etc/passwd'], ['cd'], ['if']])(
    'says that %s is no program',
    async (name) => {
      await expect(sandbox.spawn([name])).rejects.toMatchObject({ code: 'exec.spawn-failed', provider: 'local' })
    },
  )

  it('runs 64 processes at once, each with its own output', async () => {
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, index) => run(sandbox, ['sh', '-c', `cat /dev/null; echo ${index}; exit ${index}`])),
    )
    expect(results.map(({ stdout, exit }) => [stdout.toString(), exit.code])).toEqual(
      Array.from({ length: 64 }, (_, index) => [`${index}\n`, index]),
    )
  })

  it('streams 20 MB without losing a byte', async () => {
    const hash = createHash('sha256')
    let bytes = 0
    const process = await sandbox.spawn(['sh', '-c', 'head -c 20000000 /dev/urandom | tee /workspace/large'])
    for await (const chunk of process.output) {
      hash.update(chunk.bytes)
      bytes += chunk.bytes.length
    }
    expect(bytes).toBe(20_000_000)
    expect(await sh(sandbox, 'sha256sum < /workspace/large; rm /workspace/large')).toContain(hash.digest('hex'))
  })

  it('makes a process wait whose reader waits', async () => {
    const process = await sandbox.spawn(['sh', '-c', 'echo begun; head -c 5000000 /dev/zero; echo done > /workspace/done'])
    const output = process.output[Symbol.asyncIterator]()
    await output.next()
    expect(await sh(sandbox, 'test -e /workspace/done || echo waits')).toBe('waits')
    while (!(await output.next()).done);
    expect(await process.exit).toEqual({ code: 0, signal: null })
    expect(await sh(sandbox, 'cat /workspace/done')).toBe('done')
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)('%s reaches the whole group', async (signal) => {
    const process = await sandbox.spawn(['sh', '-c', 'sleep 1000 & echo ready; exec sleep 1000'])
    const output = process.output[Symbol.asyncIterator]()
    await readUntil(output, 'ready')
    await process.kill?.(signal)
    while (!(await output.next()).done);
    expect(await process.exit).toEqual({ code: null, signal })
    await process.kill?.(signal)
  })

  it('SIGINT is not ignored inside', async () => {
    const process = await sandbox.spawn(['sh', '-c', 'echo ready; exec sleep 1000'])
    const output = process.output[Symbol.asyncIterator]()
    await readUntil(output, 'ready')
    await process.kill?.('SIGINT')
    while (!(await output.next()).done);
    expect(await process.exit).toEqual({ code: null, signal: 'SIGINT' })
  })

  it('says that nobody reads the input any more', async () => {
    const process = await sandbox.spawn(['true'], { stdin: true })
    await drain(process)
    await until(async () => {
      const error: unknown = await process.stdin?.write(Buffer.alloc(100_000)).catch((cause: unknown) => cause)
      return isRingfenceError(error, 'exec.invalid-stdin')
    })
  })

  it('lets go of a process that goes on', async () => {
    const process = await sandbox.spawn([
      'sh',
      '-c',
      'echo begun; while [ ! -e /workspace/go ]; do sleep 0.02; done; echo more; echo after > /workspace/after',
    ])
    const output = process.output[Symbol.asyncIterator]()
    await readUntil(output, 'begun')
    await process.detach()
    expect((await output.next()).done).toBe(true)
    await expect(process.exit).rejects.toMatchObject({ code: 'provider.failed' })
    await sh(sandbox, 'touch /workspace/go')
    await until(async () => (await sh(sandbox, 'cat /workspace/after 2>/dev/null')) === 'after')
  })

  it('an abort ends the start and the reading, not the process', async () => {
    await expect(sandbox.spawn(['true'], { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early')
    const abort = new AbortController()
    const process = await sandbox.spawn(
      ['sh', '-c', 'echo begun; while [ ! -e /workspace/on ]; do sleep 0.02; done; echo > /workspace/ended'],
      {
        signal: abort.signal,
      },
    )
    const output = process.output[Symbol.asyncIterator]()
    await readUntil(output, 'begun')
    const next = output.next()
    abort.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    await expect(process.exit).rejects.toThrow('enough')
    await sh(sandbox, 'touch /workspace/on')
    await until(async () => (await sh(sandbox, 'test -e /workspace/ended && echo yes')) === 'yes')
  })

  it('leaves no FIFO and no process of one spawn behind', async () => {
    const before = await sh(sandbox, 'ls /proc | grep -c "^[0-9]"')
    for (let index = 0; index < 10; index++) await run(sandbox, ['true'])
    await until(async () => (await sh(sandbox, 'ls /proc | grep -c "^[0-9]"')) === before)
    // The one that looks may find its own names before the host has removed them.
    expect(Number(await sh(sandbox, 'ls /ringfence/requests/*/ | grep -c "\\.a$"'))).toBeLessThanOrEqual(1)
  })

  it('has nothing of the environment of the harness', async () => {
    const names = (await sh(sandbox, 'env | cut -d= -f1 | sort')).split('\n')
    expect(names.filter((name) => !['HOME', 'LANG', 'LOGNAME', 'OLDPWD', 'PATH', 'PWD', 'SHLVL', 'USER', '_'].includes(name))).toEqual([])
  })
})

describe('a handle', () => {
  it('is closed by release, and the sandbox goes on', async () => {
    const own = await room.create()
    const process = await own.spawn(['sleep', '1000'])
    const reading = drain(process)
    reading.catch(() => undefined)
    await own.release()
    await own.release()
    await expect(reading).rejects.toMatchObject({ code: 'sandbox.closed' })
    await expect(own.spawn(['true'])).rejects.toMatchObject({ code: 'sandbox.closed' })
    await own.destroy()
  })

  it('tells that the sandbox is gone to whoever reads and asks', async () => {
    const own = await room.create()
    const reading = drain(await own.spawn(['sleep', '1000']))
    await sh(own, 'kill -9 1; kill -9 2').catch(() => undefined)
    await expect(reading).rejects.toMatchObject({ code: 'sandbox.gone' })
    await expect(own.spawn(['true'])).rejects.toMatchObject({ code: 'sandbox.gone' })
    await own.destroy()
    await own.destroy()
  })
})
