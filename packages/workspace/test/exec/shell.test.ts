import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { routine } from '../../src/shell/script.ts'
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

  it('runs a routine, however it ends', async () => {
    const { shell } = it_.exec
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
    const say = routine('say', 'both "$@"; exit 3', 'both() { printf "%s|" "$@"; pwd; echo said >&2; }')
    const result = await shell.run(say, ["a 'b", '', '$x'])
    expect(result).toMatchObject({ code: 3, stderr: 'said\n' })
    expect(text(result.stdout)).toBe(`a 'b||$x|${it_.sandbox.info.workspace}\n`)
    // What it defines is there for those that come after, what it sets is not.
    const leaks = routine('leaks', 'echo "$left$-"; left=1; umask 0; cd /; set -eu; false')
    expect((await shell.run(leaks, [])).code).toBe(1)
    expect(text((await shell.run(leaks, [])).stdout)).toMatch(/^[a-zA-Z]*\n$/)
    for (const fails of ['exec 9</nowhere/x', 'set -u; echo "$nothing"', 'nothing-of-this-name', '. /nowhere/x', 'cd /nowhere'])
      expect((await shell.run(routine('fails', fails), [])).code).not.toBe(0)
    const copy = await shell.run(routine('copy', 'cat'), [], { stdin: Buffer.from('a\0\\n%s\xff', 'latin1') })
    expect(Buffer.from(copy.stdout).toString('latin1')).toBe('a\0\\n%s\xff')
    const large = Buffer.alloc(300_000, 'large\n')
    expect(Buffer.from((await shell.run(routine('copy', 'cat'), [], { stdin: large })).stdout).equals(large)).toBe(true)
    await expect(collect(shell.stream(say, ['x']))).rejects.toMatchObject({ code: 'fs.failed', details: { code: 3 } })
  })

  it('runs a quick routine itself, and is none the worse for it', async () => {
    await using own = await fixture({ ...host(), env: { N: 'five', LC_ALL: 'POSIX' } })
    const { shell } = own.exec
    const state = async (): Promise<string> => {
      const { stdout } = await own.exec.exec('echo "$N $LC_ALL ${x-none}"; umask; pwd; echo x >new; echo y >new', { opId: own.id() })
      return stdout
    }
    const before = await state()
    const changes = routine('changes', 'sh -c "echo \\$PPID"; N=2; LC_ALL=C; export LC_ALL N; umask 0; set -C; cd /; cat; return 5')
    const parents = new Set<string>()
    for (let n = 0; n < 3; n++) {
      const { code, stdout, stderr } = await shell.run(changes, [], { quick: true })
      expect({ code, stderr }).toEqual({ code: 5, stderr: '' })
      parents.add(Buffer.from(stdout).toString())
    }
    const { wire } = own.sandbox.profile
    expect(parents.size).toBe(wire.stdin === 'live' ? 1 : 3)
    expect(await state()).toBe(before)
    const fails = routine('fails', 'nothing-of-this-name || ls /nowhere >/nowhere/x')
    expect((await shell.run(fails, [], { quick: true })).code).not.toBe(0)
    // Beside others it is a process, which waits for its turn.
    const one = routine('one', 'head -c "$1" /dev/zero; head -c "$1" /dev/zero')
    const sizes = Array.from({ length: 40 }, (_, n) => n * 1000)
    const all = await Promise.all(
      sizes.map((size, n) => (n % 2 ? shell.run(one, [String(size)], { quick: true }) : shell.run(`head -c ${2 * size} /dev/zero`, []))),
    )
    expect(all.map(({ stdout }) => stdout.length)).toEqual(sizes.map((size) => 2 * size))
    expect(await state()).toBe(before)
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
