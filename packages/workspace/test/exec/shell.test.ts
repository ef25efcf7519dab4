import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, fixture, processesWith, until, WIRES } from './fixture.ts'

describe.each(Object.entries(WIRES))('the shell of the engine over %s', (_, host) => {
  let it_: Fixture
  const path = (name: string): string => join(it_.sandbox.info.workspace, name)
  const collect = async (stream: AsyncIterable<Uint8Array>): Promise<Buffer> => {
    const parts: Uint8Array[] = []
    for await (const bytes of stream) parts.push(bytes)
    return Buffer.concat(parts)
  }
  beforeAll(async () => {
    it_ = await fixture(host())
  })
  afterAll(async () => {
    await it_[Symbol.asyncDispose]()
  })

  it('runs a script to its end', async () => {
    const { shell } = it_.exec
    const result = await shell.run('printf "%s|" "$@"; pwd; echo said >&2; exit 3', ["a 'b", '', '$x'])
    expect(result).toMatchObject({ code: 3, stderr: 'said\n' })
    expect(Buffer.from(result.stdout).toString()).toBe(`a 'b||$x|${it_.sandbox.info.workspace}\n`)
    expect((await shell.run('cat', [])).stdout.length).toBe(0)
    expect((await shell.run('if', [])).code).not.toBe(0)
  })

  it('leaks nothing from one script into the next', async () => {
    const { shell } = it_.exec
    await shell.run('cd /; x=1; f() { :; }; set -eu; trap "echo trapped" EXIT; umask 0; exit 4', [])
    expect(Buffer.from((await shell.run('echo "$x$-"; type f >/dev/null 2>&1 || echo none; pwd', [])).stdout).toString()).toMatch(
      new RegExp(`^[a-zA-Z]*\\nnone\\n${it_.sandbox.info.workspace}\\n$`),
    )
  })

  it('gives stdin, small and large', async () => {
    const { shell } = it_.exec
    expect(Buffer.from((await shell.run('cat', [], { stdin: Buffer.from('a\0\\n%s\xff', 'latin1') })).stdout).toString('latin1')).toBe(
      'a\0\\n%s\xff',
    )
    const large = Buffer.alloc(500_000, 'large\n')
    expect((await shell.run('cat >"$1"', ['large'], { stdin: large })).code).toBe(0)
    expect(readFileSync(path('large')).equals(large)).toBe(true)
    async function* pieces() {
      for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000)
    }
    expect(Buffer.from((await shell.run('cat; exit 2', [], { stdin: pieces() })).stdout).equals(large)).toBe(true)
  })

  it('streams', async () => {
    const { shell } = it_.exec
    const large = Buffer.alloc(5_000_000, 'streamed\n')
    writeFileSync(path('streamed'), large)
    expect((await collect(shell.stream('cat "$1"', ['streamed']))).equals(large)).toBe(true)
    expect((await collect(shell.stream('cat', [], { stdin: large }))).equals(large)).toBe(true)
    await expect(collect(shell.stream('echo part; echo why >&2; exit 5', []))).rejects.toMatchObject({
      code: 'fs.failed',
      message: expect.stringContaining('why'),
      details: { code: 5 },
    })
  })

  it('bounds what it takes', async () => {
    const { shell } = it_.exec
    await expect(shell.run('head -c 100000 /dev/zero', [], { maxBytes: 1000 })).rejects.toMatchObject({ code: 'archive.limit' })
    await expect(collect(shell.stream('head -c 100000 /dev/zero', [], { maxBytes: 1000 }))).rejects.toMatchObject({ code: 'archive.limit' })
    const { stderr } = await shell.run('head -c 100000 /dev/zero | tr "\\0" x >&2', [])
    expect(stderr.length).toBe(65_536)
  })

  it('ends a script that is aborted', async () => {
    const { shell } = it_.exec
    const word = `33${process.pid}${it_.id().length}`
    for (const start of [
      (signal: AbortSignal) => shell.run(`sleep ${word}`, [], { signal }),
      (signal: AbortSignal) => collect(shell.stream(`exec sleep ${word}`, [], { signal })),
    ]) {
      const abort = new AbortController()
      const running = start(abort.signal)
      await until(() => processesWith(`sleep ${word}`) > 0)
      abort.abort()
      await expect(running).rejects.toMatchObject({ name: 'AbortError' })
      // A wire without a kill cannot end what it let go of.
      if (it_.sandbox.profile.wire.kill !== 'none') await until(() => processesWith(`sleep ${word}`) === 0)
    }
    expect((await shell.run('echo on', [])).code).toBe(0)
  })

  it('does not take the failure of a source for its end', async () => {
    if (it_.sandbox.profile.wire.stdin === 'none') return
    async function* broken() {
      yield Buffer.from('half')
      throw new TypeError('the source broke')
    }
    await expect(it_.exec.shell.run('cat >tmp && mv tmp broken', [], { stdin: broken() })).rejects.toThrow('the source broke')
    expect(existsSync(path('broken'))).toBe(false)
  })

  it('answers many at once', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, (_, n) => it_.exec.shell.run(`echo ${n}; head -c ${n * 100} /dev/zero`, [])))
    expect(all.map(({ stdout }) => stdout.length)).toEqual(Array.from({ length: 50 }, (_, n) => String(n).length + 1 + n * 100))
  })
})
