import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { receiptName } from '../../src/exec/command/receipt.ts'
import { type ControlState, type Exec, parseControlState } from '../../src/exec/index.ts'
import { type Fixture, fixture, processesWith, textOf, until, WIRES } from './fixture.ts'

/** Starts a command in another process, which is killed when the command runs. */
async function startElsewhere(it_: Fixture, task: object): Promise<ControlState> {
  const { wire } = it_.sandbox.profile
  const args = JSON.stringify({ root: it_.sandbox.state.id, wire, ...task })
  const file = fileURLToPath(new URL('driver.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=@ringfence/source', file, args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const bytes of child.stdout) {
    text += String(bytes)
    if (text.includes('\n')) break
  }
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return parseControlState(JSON.parse(text))
}

/** A script in a process of its own. */
async function streamed(exec: Exec): Promise<void> {
  for await (const _ of exec.shell.stream('echo x >fenced', []));
}

describe.each(Object.entries(WIRES))('receipts over %s', (_, host) => {
  let it_: Fixture
  const path = (name: string): string => join(it_.sandbox.info.workspace, name)
  beforeAll(async () => {
    it_ = await fixture(host())
  })
  afterAll(async () => {
    await it_[Symbol.asyncDispose]()
  })

  it('runs one id once', async () => {
    const opId = it_.id()
    const line = 'echo x >>times; echo out; echo err >&2; exit 3'
    const results = await Promise.all(Array.from({ length: 5 }, () => it_.exec.exec(line, { opId })))
    results.push(await it_.exec.exec(line, { opId }))
    for (const result of results) expect(result).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
    expect(readFileSync(path('times'), 'utf8')).toBe('x\n')
    const command = await it_.exec.start(line, { opId })
    expect(await textOf(command.output, 2)).toBe('err\n')
  })

  it('takes another command under the same id for lost', async () => {
    const opId = it_.id()
    await it_.exec.exec('true', { opId })
    for (const [line, options] of [
      ['false', {}],
      [['true'], {}],
      ['true', { cwd: '/' }],
      ['true', { env: { A: '' } }],
    ] as const)
      await expect(it_.exec.exec(line, { opId, ...options })).rejects.toMatchObject({ code: 'exec.lost', effect: 'none' })
  })

  it('attaches while a command runs, and after', async () => {
    const opId = it_.id()
    await it_.exec.start('echo a; while [ ! -e go-on ]; do sleep 0.05; done; echo b; exit 7', { opId })
    const other = await it_.again({ resumeFrom: it_.exec.control })
    const command = await other.attach(opId)
    let text = ''
    for await (const { bytes } of command.output) {
      text += Buffer.from(bytes).toString()
      writeFileSync(path('go-on'), '')
    }
    expect(text).toBe('a\nb\n')
    expect(await command.exit).toMatchObject({ exitCode: 7 })
    const late = await other.attach(opId)
    expect(await textOf(late.output)).toBe('a\nb\n')
    expect(await late.exit).toMatchObject({ exitCode: 7 })
    await expect(other.attach(it_.id())).rejects.toMatchObject({ code: 'exec.lost', effect: 'none', details: { receipt: 'missing' } })
  })

  it('goes on when its driver is killed', async () => {
    const opId = it_.id()
    const go = path(`go-${opId.replaceAll('/', '-')}`)
    const line = `echo begun; while [ ! -e ${go} ]; do sleep 0.05; done; echo done; exit 5`
    const resumeFrom = await startElsewhere(it_, { line, opId })
    const exec = await it_.again({ resumeFrom })
    const command = await exec.attach(opId)
    writeFileSync(go, '')
    expect(await textOf(command.output)).toBe('begun\ndone\n')
    expect(await command.exit).toMatchObject({ exitCode: 5, timedOut: false })
  })

  it('keeps the deadline when its driver is killed', async () => {
    const opId = it_.id()
    const word = `32${process.pid}${opId.length}`
    const resumeFrom = await startElsewhere(it_, { line: `setsid sleep ${word} & sleep ${word}`, opId, timeoutMs: 1500 })
    const command = await (await it_.again({ resumeFrom })).attach(opId)
    expect(await command.exit).toMatchObject({ exitCode: null, signal: 'SIGTERM', timedOut: true })
    expect(processesWith(word)).toBe(0)
  })

  it('is fenced by a higher epoch', async () => {
    const old = await it_.again()
    const next = await it_.again({ resumeFrom: old.control, epoch: 2 })
    await expect(old.exec('echo x >fenced', { opId: it_.id() })).rejects.toMatchObject({ code: 'run.fenced', effect: 'none' })
    await expect(old.shell.run('echo x >fenced', [])).rejects.toMatchObject({ code: 'run.fenced' })
    await expect(streamed(old)).rejects.toMatchObject({ code: 'run.fenced' })
    expect(existsSync(path('fenced'))).toBe(false)
    expect((await next.exec('echo new', { opId: it_.id() })).stdout).toBe('new\n')
    await next.raiseEpoch(5)
    expect((await next.exec('echo newer', { opId: it_.id() })).stdout).toBe('newer\n')
    await expect(next.raiseEpoch(4)).rejects.toMatchObject({ code: 'run.fenced' })
    await expect(it_.again({ resumeFrom: old.control, epoch: 4 })).rejects.toMatchObject({ code: 'run.fenced' })
    await expect(next.exec('echo newest', { opId: it_.id() })).resolves.toMatchObject({ stdout: 'newest\n' })
  })

  it('knows a sandbox that was replaced', async () => {
    const { control } = await it_.again()
    const [entry] = control.entries
    if (!entry) throw new TypeError('no entry')
    const forged = { version: 1, entries: [{ ...entry, generation: 'g_another000000' }] } as const
    await expect(it_.again({ resumeFrom: forged })).rejects.toMatchObject({ code: 'sandbox.gone', effect: 'none' })
    const exec = await it_.again({ resumeFrom: control })
    rmSync(entry.path, { recursive: true })
    await expect(exec.exec('true', { opId: it_.id() })).rejects.toMatchObject({ code: 'sandbox.gone' })
    await expect(streamed(exec)).rejects.toMatchObject({ code: 'sandbox.gone' })
    await expect(it_.again({ resumeFrom: control })).rejects.toMatchObject({ code: 'sandbox.gone' })
  })

  it('never takes a dead supervisor for success', async () => {
    const exec = await it_.again()
    const opId = it_.id()
    const running = exec.exec('kill -9 $PPID; sleep 0.1', { opId })
    await expect(running).rejects.toMatchObject({ code: 'exec.lost', details: { opId } })
    await expect(exec.attach(opId)).rejects.toMatchObject({ code: 'exec.lost' })
    await expect(exec.exec('kill -9 $PPID; sleep 0.1', { opId })).rejects.toMatchObject({ code: 'exec.lost' })
  })

  it('takes a forged receipt for lost', async () => {
    const exec = await it_.again()
    const directory = exec.control.entries[0]?.path ?? ''
    for (const forged of [
      '',
      'X 0 0 0 0 -\n',
      'C 5 garbage\nX 0 0 0 0 -\n',
      `C 5 1 ${'0'.repeat(64)} - 1 plain other\nX 0 0 0 0 -\n`,
      `${'y'.repeat(9000)}\n`,
    ]) {
      const opId = it_.id()
      const before = new Set(readdirSync(directory))
      await exec.exec('true', { opId })
      const file = readdirSync(directory).find((name) => name.endsWith('.c') && !before.has(name))
      writeFileSync(join(directory, file ?? ''), forged)
      await expect(exec.attach(opId)).rejects.toMatchObject({ code: 'exec.lost' })
    }
    expect((await exec.exec('echo on', { opId: it_.id() })).stdout).toBe('on\n')
  })

  it('forgets', async () => {
    const exec = await it_.again()
    const opId = it_.id()
    await exec.exec('echo a; echo b >&2', { opId })
    const kept = it_.id()
    await exec.exec('echo kept', { opId: kept })
    // More than one request takes, most of which are not there.
    await exec.forget([...Array.from({ length: 250 }, () => it_.id()), opId])
    await expect(exec.attach(opId)).rejects.toMatchObject({ code: 'exec.lost', details: { receipt: 'missing' } })
    expect((await exec.exec('echo kept', { opId: kept })).stdout).toBe('kept\n')
    const left = readdirSync(exec.control.entries[0]?.path ?? '')
    expect(left.filter((name) => name.startsWith(receiptName(opId)))).toEqual([])
    expect(left).toContain(`${receiptName(kept)}.o`)
  })

  it('lets go at its close, and the command goes on', async () => {
    const exec = await it_.again()
    const opId = it_.id()
    const command = await exec.start('sleep 0.5; echo late', { opId })
    const { control } = exec
    await exec.close()
    await expect(command.exit).rejects.toMatchObject({ code: 'sandbox.closed' })
    await expect(exec.exec('true', { opId: it_.id() })).rejects.toMatchObject({ code: 'sandbox.closed' })
    const next = await it_.again({ resumeFrom: control })
    const again = await next.attach(opId)
    expect(await textOf(again.output)).toBe('late\n')
    expect(await again.exit).toMatchObject({ exitCode: 0 })
  })

  it('refuses ids that are not path-safe', async () => {
    for (const opId of ['', 'a b', 'a\nb', 'x'.repeat(300), '$(id)'])
      await expect(it_.exec.exec('true', { opId })).rejects.toMatchObject({ code: 'config.invalid' })
  })
})

describe('a driver that is overtaken', () => {
  /** A `mv` after which, where a file says so, another driver has the sandbox. */
  const OVERTAKING = `#!/bin/sh
/bin/mv "$@"
for last; do :; done
case $last in
  */state)
    if [ -e "$HOME/overtake" ]; then
      read -r epoch rest <"$last"
      echo "9 $rest" >"$last"
      rm -f "\${last%/*}"/at.*
    fi ;;
esac
`
  it.each([{}, { stdin: 'none' }] as const)('while it raises its epoch is shut out (%o)', async (wire) => {
    const folder = mkdtempSync(join(tmpdir(), 'ringfence-overtake-'))
    writeFileSync(join(folder, 'mv'), OVERTAKING, { mode: 0o755 })
    try {
      await using it_ = await fixture({ wire, path: `${folder}:/usr/sbin:/usr/bin:/sbin:/bin` })
      const mark = join(it_.sandbox.info.workspace, '..', 'overtake')
      await it_.exec.raiseEpoch(2)
      expect((await it_.exec.exec('echo 2', { opId: it_.id() })).stdout).toBe('2\n')
      writeFileSync(mark, '')
      await expect(it_.exec.raiseEpoch(3)).rejects.toMatchObject({ code: 'run.fenced' })
      await expect(it_.exec.exec('echo 3', { opId: it_.id() })).rejects.toMatchObject({ code: 'run.fenced', effect: 'none' })
      rmSync(mark)
      await expect(it_.again({ resumeFrom: it_.exec.control, epoch: 8 })).rejects.toMatchObject({ code: 'run.fenced' })
      writeFileSync(mark, '')
      await expect(it_.again({ resumeFrom: it_.exec.control, epoch: 9 })).resolves.toBeDefined()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('control state', () => {
  it('is read strictly', async () => {
    for (const bad of [
      undefined,
      {},
      { version: 2, entries: [] },
      { version: 1, entries: [{ user: null, path: 'x', generation: 'g', token: 't' }] },
    ])
      expect(() => parseControlState(bad)).toThrow(expect.objectContaining({ code: 'config.invalid' }))
  })

  it('finds a place of its own where the provider has none', async () => {
    await using it_ = await fixture({ withoutControlDirectory: true })
    const directory = it_.exec.control.entries[0]?.path ?? ''
    expect(directory).toMatch(/^\/var\/tmp\/ringfence_/)
    expect((await it_.exec.exec('echo hi', { opId: it_.id() })).stdout).toBe('hi\n')
    await until(() => existsSync(directory))
    rmSync(directory, { recursive: true })
  })
})
