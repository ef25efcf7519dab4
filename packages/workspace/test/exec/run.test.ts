import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, fixture, textOf, WIRES } from './fixture.ts'

describe.each(Object.entries(WIRES))('exec over %s', (_, host) => {
  let it_: Fixture
  beforeAll(async () => {
    it_ = await fixture(host(), { env: { BASE: 'from the manifest', SPACED: "it's $HOME `x`\nnext" } })
  })
  afterAll(async () => {
    await it_[Symbol.asyncDispose]()
  })
  const run = (line: string | readonly string[], options: object = {}) => it_.exec.exec(line, { opId: it_.id(), ...options })

  it('tells exit codes', async () => {
    for (const code of [0, 1, 2, 42, 126, 127, 128, 130, 137, 143, 255])
      expect(await run(`exit ${code}`)).toMatchObject({ exitCode: code, signal: null, timedOut: false, outputCut: false })
  })

  it('tells a signal from a code', async () => {
    expect(await run('kill -9 $$')).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
    expect(await run('kill -TERM $$')).toMatchObject({ exitCode: null, signal: 'SIGTERM' })
    expect(await run('kill -SEGV $$')).toMatchObject({ exitCode: null, signal: 'SIGSEGV' })
  })

  it('keeps the streams apart and whole', async () => {
    expect(await run('printf out; printf err >&2; exit 3')).toMatchObject({ exitCode: 3, stdout: 'out', stderr: 'err', truncated: false })
    expect(await run('printf err >&2')).toMatchObject({ stdout: '', stderr: 'err' })
    expect(await run('printf "a\\0b\\n\\n"')).toMatchObject({ stdout: 'a\0b\n\n' })
    expect(await run('true')).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
  })

  it('gives every byte as it is', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    writeFileSync(join(it_.sandbox.info.workspace, 'all'), all)
    const command = await it_.exec.start('cat all all; cat all >&2', { opId: it_.id() })
    const got = { 1: Buffer.alloc(0), 2: Buffer.alloc(0) }
    for await (const { fd, bytes } of command.output) got[fd] = Buffer.concat([got[fd], bytes])
    expect(got[1].equals(Buffer.concat([all, all]))).toBe(true)
    expect(got[2].equals(all)).toBe(true)
  })

  it('passes arguments as they are', async () => {
    const words = ['a b', '', "'", '"', '$HOME', '`id`', '*', 'new\nline', '\\n', '-n', 'ü✓', ';true', '\t']
    const { stdout } = await run(['sh', '-c', 'for a in "$@"; do printf "%s\\0" "$a"; done', 'sh', ...words])
    expect(stdout.split('\0').slice(0, -1)).toEqual(words)
  })

  it('runs a string exactly as sh -c', async () => {
    expect((await run('echo "$# $0"; x=1; y=2; set -- a; echo "$1$x"')).stdout).toBe('0 sh\na1\n')
    expect((await run('trap "echo bye" EXIT; exit 4')).stdout).toBe('bye\n')
    expect((await run("cat <<'END'\n$a `b` 'c\nEND\nexit 5")).exitCode).toBe(5)
    expect((await run("echo 'unbalanced")).exitCode).toBe(2)
    expect((await run('echo "$rf_K$rf_D$rf_n"')).stdout).toBe('\n')
    expect((await run('nope-nope')).exitCode).toBe(127)
  })

  it('runs commands longer than an argument', async () => {
    const long = 'x'.repeat(200_000)
    expect((await run(`printf %s ${long} | wc -c`)).stdout.trim()).toBe('200000')
  })

  it('sets variables', async () => {
    const { stdout } = await run('printf "%s|%s|%s|%s" "$BASE" "$SPACED" "$MINE" "$OLDPWD"', {
      env: { MINE: 'a=b\n"c"', BASE: 'of the call' },
    })
    expect(stdout).toBe(`of the call|it's $HOME \`x\`\nnext|a=b\n"c"|`)
    expect((await run('env')).stdout).not.toContain('MINE=')
    expect((await run('env')).stdout).not.toMatch(/^rf_/m)
    await expect(run('true', { env: { 'A B': 'c' } })).rejects.toMatchObject({ code: 'config.invalid', effect: 'none' })
  })

  it('sets the working directory', async () => {
    mkdirSync(join(it_.sandbox.info.workspace, "it's a dir"), { recursive: true })
    expect((await run('pwd')).stdout.trim()).toBe(it_.sandbox.info.workspace)
    expect((await run('pwd; cd /', { cwd: "it's a dir" })).stdout.trim()).toBe(join(it_.sandbox.info.workspace, "it's a dir"))
    expect((await run(['pwd'])).stdout.trim()).toBe(it_.sandbox.info.workspace)
    const opId = it_.id()
    await expect(it_.exec.exec('true', { opId, cwd: 'missing' })).rejects.toMatchObject({ code: 'exec.spawn-failed', effect: 'none' })
    await expect(it_.exec.attach(opId)).rejects.toMatchObject({ code: 'exec.lost', details: { receipt: 'missing' } })
    await expect(it_.exec.start('true', { opId: it_.id(), cwd: 'missing' })).rejects.toMatchObject({ code: 'exec.spawn-failed' })
  })

  it('refuses a program that is not there', async () => {
    await expect(run(['no-such-program', 'x'])).rejects.toMatchObject({ code: 'exec.spawn-failed', effect: 'none' })
    await expect(run(['./no-such-program'])).rejects.toMatchObject({ code: 'exec.spawn-failed' })
    await expect(run(['ls'], { env: { PATH: '/nowhere' } })).rejects.toMatchObject({ code: 'exec.spawn-failed' })
    // What the shell alone knows is no program.
    await expect(run(['cd', '/'])).rejects.toMatchObject({ code: 'exec.spawn-failed', effect: 'none' })
    await expect(run(['.'])).rejects.toMatchObject({ code: 'exec.spawn-failed' })
    await expect(run(['/'])).rejects.toMatchObject({ code: 'exec.spawn-failed' })
    await expect(run([])).rejects.toMatchObject({ code: 'config.invalid' })
    await expect(run('a\0b')).rejects.toMatchObject({ code: 'config.invalid' })
  })

  it('finds a program in the PATH of the call', async () => {
    const bin = join(it_.sandbox.info.workspace, 'bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(join(bin, 'mine'), '#!/bin/sh\necho mine\n', { mode: 0o755 })
    expect((await run(['mine'], { env: { PATH: bin } })).stdout).toBe('mine\n')
    expect((await run(['./bin/mine'])).stdout).toBe('mine\n')
  })

  it('gives stdin', async () => {
    expect((await run('cat', { stdin: 'some\0text\n' })).stdout).toBe('some\0text\n')
    expect((await run('cat; echo end')).stdout).toBe('end\n')
    const large = Buffer.alloc(300_000, "abcdefg%\\'\n")
    const { stdout } = await run('cat >copy; wc -c <copy', { stdin: large })
    expect(stdout.trim()).toBe('300000')
    expect(readFileSync(join(it_.sandbox.info.workspace, 'copy')).equals(large)).toBe(true)
  })

  it('does not wait for what a command leaves in the background', async () => {
    expect(await run('sleep 1000 & echo $!')).toMatchObject({ exitCode: 0 })
    expect(await run('sleep 1000 >/dev/stderr & echo x >/dev/stdout')).toMatchObject({ exitCode: 0, stdout: 'x\n' })
  })

  it('lets commands write to the paths of their streams', async () => {
    const line = 'echo one; echo two >/dev/stdout; echo three >>/dev/stdout; echo four >&2; echo five >/dev/stderr; echo six'
    expect(await run(line)).toMatchObject({ stdout: 'one\ntwo\nthree\nsix\n', stderr: 'four\nfive\n' })
  })

  it('runs many at once', async () => {
    const results = await Promise.all(Array.from({ length: 200 }, (_, n) => run(`echo ${n}; echo e${n} >&2; exit ${n % 7}`)))
    expect(results.map(({ stdout, stderr, exitCode }) => [stdout, stderr, exitCode])).toEqual(
      Array.from({ length: 200 }, (_, n) => [`${n}\n`, `e${n}\n`, n % 7]),
    )
    expect(it_.exec.running()).toEqual([])
  })

  it('starts a command and follows it while it runs', async () => {
    const command = await it_.exec.start('echo first; while [ ! -e go ]; do sleep 0.05; done; echo last', { opId: it_.id() })
    expect(it_.exec.running()).toEqual([command.opId])
    let text = ''
    for await (const { bytes } of command.output) {
      text += Buffer.from(bytes).toString()
      if (text === 'first\n') writeFileSync(join(it_.sandbox.info.workspace, 'go'), '')
    }
    expect(text).toBe('first\nlast\n')
    expect(await command.exit).toEqual({ exitCode: 0, signal: null, timedOut: false, outputCut: false })
    expect(it_.exec.running()).toEqual([])
  })

  it('tells the exit of a command whose output nobody reads', async () => {
    const command = await it_.exec.start('echo ignored; exit 6', { opId: it_.id() })
    expect(await command.exit).toMatchObject({ exitCode: 6 })
    expect(await textOf(command.output)).toBe('ignored\n')
  })
})
