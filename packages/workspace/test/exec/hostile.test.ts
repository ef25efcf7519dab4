import type { ChildProcess } from 'node:child_process'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { routine } from '../../src/shell/script.ts'
import { type Fixture, fixture, textOf, until, WIRES } from './fixture.ts'

const residents = Object.entries(WIRES).filter(([name]) => name.startsWith('resident'))

/** Puts real pipes behind both streams, which others of the same user can open. */
const behindPipes = (argv: readonly string[]): readonly string[] => [
  'sh',
  '-c',
  '{ { "$@" 2>&3 3>&- 4>&- | cat; } 3>&1 >&4 4>&- | cat >&2; } 4>&1',
  'sh',
  ...argv,
]

describe.each(residents)('a command that writes into the channel over %s', (_, host) => {
  it.each([
    [3, '1 D 0 0 0 0 0 -'],
    [4, 'garbage'],
    [3, 'x'.repeat(20_000)],
    [4, `${'0'.repeat(32)} 3 B`],
  ] as const)('is found out (descriptor %s)', async (fd, forged) => {
    let shells = 0
    await using it_ = await fixture({ ...host(), wrap: behindPipes, onSpawn: (argv) => void (argv.length === 1 && shells++) })
    const slow = it_.exec.exec('echo slow; sleep 0.5; exit 4', { opId: it_.id() })
    const forging = `printf '%s\\n' '${forged}' >/proc/$PPID/fd/${it_.sandbox.profile.wire.output === 'merged' ? 4 : fd} && echo forged`
    expect(await it_.exec.exec(forging, { opId: it_.id() })).toMatchObject({ exitCode: 0, stdout: 'forged\n' })
    // The command of somebody else is told as it was.
    expect(await slow).toMatchObject({ exitCode: 4, signal: null, stdout: 'slow\n' })
    expect((await it_.exec.exec('echo next', { opId: it_.id() })).stdout).toBe('next\n')
    expect(shells).toBe(2)
  })
})

describe.each(residents)('a hostile command over %s', (_, host) => {
  let it_: Fixture
  const spawned: ChildProcess[] = []
  const pid = (): number => spawned.at(-1)?.pid ?? 0
  beforeAll(async () => {
    it_ = await fixture({ ...host(), onSpawn: (argv, child) => void (argv.length === 1 && spawned.push(child)) })
  })
  afterAll(async () => {
    await it_[Symbol.asyncDispose]()
  })

  it('kills the shell, which is replaced', async () => {
    const opId = it_.id()
    const hello = routine('hello', 'echo "hello $1"')
    const greeted = async (): Promise<string> => Buffer.from((await it_.exec.shell.run(hello, ['x'])).stdout).toString()
    expect(await greeted()).toBe('hello x\n')
    const shell = pid()
    expect(await it_.exec.exec(`kill -9 ${shell}; echo killed; exit 3`, { opId })).toMatchObject({ exitCode: 3, stdout: 'killed\n' })
    expect((await it_.exec.exec('echo next', { opId: it_.id() })).stdout).toBe('next\n')
    expect(pid()).not.toBe(shell)
    // The new one was taught what the old one knew.
    expect(await greeted()).toBe('hello x\n')
    const command = await it_.exec.start(`echo a; sleep 0.3; kill -9 ${pid()}; sleep 0.3; echo b`, { opId: it_.id() })
    expect(await textOf(command.output)).toBe('a\nb\n')
    expect(await command.exit).toMatchObject({ exitCode: 0 })
  })

  it('stops the shell, which is given up', async () => {
    const shell = pid()
    process.kill(shell, 'SIGSTOP')
    const running = it_.exec.exec('echo through', { opId: it_.id() })
    // What a kernel that ends the shell does; the silence itself takes 20 seconds.
    process.kill(shell, 'SIGKILL')
    expect((await running).stdout).toBe('through\n')
  })

  it('finds nothing of the channel in its environment', async () => {
    const { stdout } = await it_.exec.exec('env; for n in 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$n ] || echo "open $n"; done', {
      opId: it_.id(),
    })
    expect(stdout).not.toMatch(/^rf_|^open/m)
  })

  it('never breaks the channel by what it is called', async () => {
    const shell = pid()
    const piece = fc.oneof(
      fc.constantFrom("'", '"', '`', '$(', ')', '\\', '\n', '#', ';', '&', '|', '<<E', '{', '}', 'E', '\t', '%', '*', '!', '\r', '-', ' '),
      fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => !text.includes('\0')),
    )
    const word = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 5 }), word, async (words, value) => {
        const script = 'printf "%s\\0" "$@" "$VALUE"'
        const wanted = [...words, value].map((one) => Buffer.from(one, 'utf8').toString('utf8'))
        const { stdout } = await it_.exec.exec(['sh', '-c', script, 'sh', ...words], { opId: it_.id(), env: { VALUE: value } })
        expect(stdout.split('\0').slice(0, -1)).toEqual(wanted)
        const script2 = await it_.exec.shell.run('printf "%s\\0" "$@"', words)
        expect(Buffer.from(script2.stdout).toString('utf8').split('\0').slice(0, -1)).toEqual(wanted.slice(0, -1))
      }),
      { numRuns: 60 },
    )
    // As a command it may mean anything; the channel holds.
    await fc.assert(
      fc.asyncProperty(word, async (line) => {
        if (line.length > 0) await it_.exec.exec(`exit 9\n${line}`, { opId: it_.id() })
        expect((await it_.exec.exec(['echo', 'whole'], { opId: it_.id() })).stdout).toBe('whole\n')
      }),
      { numRuns: 60 },
    )
    expect(pid()).toBe(shell)
  })

  it('leaves no zombies behind', async () => {
    for (let n = 0; n < 50; n++) await it_.exec.exec('true', { opId: it_.id() })
    const { stdout } = await it_.exec.exec(
      `grep -ls "^PPid:[[:space:]]*${pid()}$" /proc/[0-9]*/status | xargs grep -l "^State:.Z" | wc -l`,
      {
        opId: it_.id(),
      },
    )
    expect(Number(stdout)).toBeLessThan(5)
  })
})

describe('the resident', () => {
  it('hangs up when it is idle, and comes back', async () => {
    const shells: ChildProcess[] = []
    await using it_ = await fixture({ onSpawn: (_, child) => void shells.push(child) }, { idleMs: 100 })
    expect((await it_.exec.exec('echo 1', { opId: it_.id() })).stdout).toBe('1\n')
    await until(() => shells[0]?.exitCode !== null || shells[0]?.signalCode !== null)
    expect((await it_.exec.exec('echo 2', { opId: it_.id() })).stdout).toBe('2\n')
    expect(shells).toHaveLength(2)
  })

  it('stays while a command runs', async () => {
    const shells: ChildProcess[] = []
    await using it_ = await fixture({ onSpawn: (_, child) => void shells.push(child) }, { idleMs: 50 })
    expect((await it_.exec.exec('sleep 1; echo 1', { opId: it_.id() })).stdout).toBe('1\n')
    expect(shells).toHaveLength(1)
  })

  it('does without /proc', async () => {
    const hidden = 'mount -t tmpfs none /proc && exec "$@"'
    await using it_ = await fixture({ wrap: (argv) => ['unshare', '--mount', 'sh', '-c', hidden, 'sh', ...argv] })
    expect((await it_.exec.exec('[ -e /proc/self ] || echo "no proc"', { opId: it_.id() })).stdout).toBe('no proc\n')
    const all = Array.from({ length: 20 }, (_, n) => it_.exec.shell.run(`echo ${n}; echo ${n}`, []))
    expect((await Promise.all(all)).map(({ stdout }) => String(Buffer.from(stdout)))).toEqual(all.map((_, n) => `${n}\n${n}\n`))
  })

  it('is one for each user', async () => {
    await using it_ = await fixture({ withoutControlDirectory: true })
    await it_.exec.exec('mkdir -m 777 shared', { opId: it_.id() })
    const opId = it_.id()
    const { stdout } = await it_.exec.exec('id -un; echo x >shared/of-nobody', { opId, user: 'nobody' })
    expect(stdout).toBe('nobody\n')
    expect((await it_.exec.exec('id -un; stat -c %U shared/of-nobody', { opId: it_.id() })).stdout).toBe('root\nnobody\n')
    expect(it_.exec.control.entries.map(({ user }) => user)).toEqual([null, 'nobody'])
    const other = await it_.again({ resumeFrom: it_.exec.control })
    expect(await textOf((await other.attach(opId)).output)).toBe('nobody\n')
    for (const { path } of it_.exec.control.entries) await it_.exec.exec(['rm', '-rf', path], { opId: it_.id() }).catch(() => undefined)
  })

  it('refuses what the wire cannot do', async () => {
    await using it_ = await fixture({ wire: { stdin: 'none', user: false } })
    await expect(it_.exec.exec('true', { opId: it_.id(), user: 'nobody' })).rejects.toMatchObject({
      code: 'feature.unsupported',
      effect: 'none',
    })
    await expect(it_.exec.exec('true', { opId: it_.id(), secretEnv: { A: 'b' } })).rejects.toMatchObject({ code: 'feature.unsupported' })
    await expect(it_.exec.start('true', { opId: it_.id(), pty: { columns: 80, rows: 24 } })).rejects.toMatchObject({
      code: 'feature.unsupported',
    })
    await expect(fixture({ wire: { stdin: 'none', pids: 'per-spawn' } })).rejects.toMatchObject({ code: 'feature.unsupported' })
    await expect(fixture({ path: '/nowhere' })).rejects.toMatchObject({ code: 'feature.unsupported', details: { program: 'sh' } })
  })
})
