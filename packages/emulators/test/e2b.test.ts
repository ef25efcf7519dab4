import { CommandExitError, Sandbox, SandboxNotFoundError } from 'e2b'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type E2bEmulator, startE2bEmulator, whatIsMissing } from '../src/e2b/index.ts'

const missing = whatIsMissing()

describe.skipIf(missing !== undefined)(`the wire of E2B, driven by its SDK${missing ? ` (${missing})` : ''}`, () => {
  let emulator: E2bEmulator
  const options = () => ({ apiKey: emulator.apiKey, apiUrl: emulator.url, sandboxUrl: emulator.url, domain: 'localhost' })
  const create = (more: object = {}): Promise<Sandbox> => Sandbox.create('base', { ...options(), timeoutMs: 60_000, ...more })

  beforeAll(async () => {
    emulator = await startE2bEmulator()
  })
  afterEach(async () => {
    for (const id of emulator.ids()) await emulator.kill(id)
  })
  afterAll(() => emulator.close())

  test('commands: output apart, codes, environment, directory, user', async () => {
    const sandbox = await create({ envs: { FROM: 'create' } })
    const said = await sandbox.commands.run('echo "$FROM $MORE $(pwd) $(id -un)"; echo err >&2', { envs: { MORE: 'call' }, cwd: '/tmp' })
    expect([said.stdout, said.stderr, said.exitCode]).toEqual(['create call /tmp user\n', 'err\n', 0])
    expect((await sandbox.commands.run('pwd')).stdout).toBe('/home/user\n')
    expect((await sandbox.commands.run('id -u', { user: 'root' })).stdout).toBe('0\n')
    const failed = await sandbox.commands.run('exit 7').catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(CommandExitError)
    expect(failed).toMatchObject({ exitCode: 7 })
    await expect(sandbox.commands.run('true', { cwd: '/missing' })).rejects.toThrow("cwd '/missing' does not exist")
    await expect(sandbox.commands.run('true', { user: 'stranger' })).rejects.toThrow('stranger')
  })

  test('commands: stdin, its end, a kill, a deadline, taking up a running one', async () => {
    const sandbox = await create()
    const cat = await sandbox.commands.run('cat; echo end', { background: true, stdin: true })
    await cat.sendStdin('typed\n')
    await cat.closeStdin()
    expect((await cat.wait()).stdout).toBe('typed\nend\n')
    const sleeper = await sandbox.commands.run('exec sleep 600', { background: true })
    expect((await sandbox.commands.list()).map(({ pid }) => pid)).toEqual([sleeper.pid])
    const again = await sandbox.commands.connect(sleeper.pid)
    expect(await sleeper.kill()).toBe(true)
    await expect(again.wait()).rejects.toMatchObject({ exitCode: -1, error: 'signal: killed' })
    expect(await sandbox.commands.kill(sleeper.pid)).toBe(false)
    await expect(sandbox.commands.run('exec sleep 600', { timeoutMs: 300 })).rejects.toThrow('timeout')
  })

  test('a terminal of a size, and of another', async () => {
    const sandbox = await create()
    let seen = ''
    let tell = (): void => undefined
    const onData = (bytes: Uint8Array): void => {
      seen += Buffer.from(bytes).toString()
      tell()
    }
    const until = async (text: string): Promise<void> => {
      while (!seen.includes(text))
        await new Promise<void>((resolve) => {
          tell = resolve
        })
    }
    const terminal = await sandbox.pty.create({ cols: 91, rows: 17, onData, timeoutMs: 0 })
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('stty size; tty\n'))
    await until('17 91')
    await until('/dev/pts/')
    await sandbox.pty.resize(terminal.pid, { cols: 120, rows: 40 })
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('stty size\n'))
    await until('40 120')
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('exit 3\n'))
    await expect(terminal.wait()).rejects.toMatchObject({ exitCode: 3 })
  })

  test('files: both ways of writing, reading, lists, links, and what is not there', async () => {
    const sandbox = await create()
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    await sandbox.files.write('deep/form.bin', new Uint8Array(bytes).buffer)
    await sandbox.files.write('/tmp/stream.bin', new Blob([new Uint8Array(bytes)]).stream())
    for (const path of ['/home/user/deep/form.bin', '/tmp/stream.bin'])
      expect(Buffer.from(await sandbox.files.read(path, { format: 'bytes' }))).toEqual(bytes)
    await sandbox.commands.run('ln -s /etc/passwd link; : > empty')
    expect((await sandbox.files.list('.')).map(({ name, type }) => [name, type])).toEqual([
      ['deep', 'dir'],
      ['empty', 'file'],
      ['link', 'file'],
    ])
    expect(await sandbox.files.read('link')).toContain('user:x:1000')
    expect(await sandbox.files.read('empty')).toBe('')
    expect(await sandbox.files.makeDir('made')).toBe(true)
    expect(await sandbox.files.makeDir('made')).toBe(false)
    expect((await sandbox.files.rename('empty', 'made/moved')).path).toBe('/home/user/made/moved')
    await sandbox.files.remove('made')
    expect(await sandbox.files.exists('made')).toBe(false)
    await expect(sandbox.files.read('nowhere')).rejects.toThrow('does not exist')
    await expect(sandbox.files.read('deep')).rejects.toThrow('is a directory')
  })

  test('sandboxes are apart: files, processes, network', async () => {
    const [one, two] = await Promise.all([create({ allowInternetAccess: false }), create()])
    await one.files.write('/tmp/secret', 'of one')
    await one.commands.run('exec sleep 600', { background: true })
    const seen = await two.commands.run('ls /tmp; cat /proc/[0-9]*/cmdline | tr "\\0" " "')
    expect(seen.stdout).not.toMatch(/secret|sleep 600/)
    expect((await one.commands.run('grep -c : /proc/net/dev')).stdout).toBe('1\n')
    await expect(one.commands.run('touch /usr/x || exit 5', { user: 'root' })).rejects.toMatchObject({ exitCode: 5 })
  })

  test('metadata, pages, information, the end', async () => {
    const ids = []
    for (const run of ['a b&c', 'a b&c', 'other']) ids.push((await create({ metadata: { run } })).sandboxId)
    const paginator = Sandbox.list({ ...options(), query: { metadata: { run: 'a b&c' } }, limit: 1 })
    const found = [...(await paginator.nextItems()), ...(await paginator.nextItems())]
    expect(paginator.hasNext).toBe(false)
    expect(found.map(({ sandboxId }) => sandboxId).sort()).toEqual(ids.slice(0, 2).sort())
    const sandbox = await Sandbox.connect(ids[0] ?? '', options())
    expect(await sandbox.getInfo()).toMatchObject({ state: 'running', metadata: { run: 'a b&c' } })
    expect(await sandbox.kill()).toBe(true)
    expect(await sandbox.kill()).toBe(false)
    expect(await sandbox.isRunning()).toBe(false)
    await expect(sandbox.commands.run('true')).rejects.toThrow()
    await expect(Sandbox.connect(sandbox.sandboxId, options())).rejects.toBeInstanceOf(SandboxNotFoundError)
  })

  test('a pause cuts what is open, keeps the processes, and begins the lifetime anew', async () => {
    const sandbox = await create()
    const counting = await sandbox.commands.run('while sleep 0.02; do echo x >> count; done', { background: true, timeoutMs: 0 })
    const cut = counting.wait().catch((error: unknown) => error)
    expect(await sandbox.pause()).toBe(true)
    expect(await sandbox.pause()).toBe(false)
    expect(await cut).toBeInstanceOf(Error)
    expect(await sandbox.isRunning()).toBe(false)
    expect(await Sandbox.list({ ...options(), query: { state: ['paused'] } }).nextItems()).toHaveLength(1)
    const again = await Sandbox.connect(sandbox.sandboxId, { ...options(), timeoutMs: 30_000 })
    expect((await again.commands.list()).map(({ pid }) => pid)).toEqual([counting.pid])
    const { endAt } = await again.getInfo()
    expect(endAt.getTime() - Date.now()).toBeLessThanOrEqual(30_000)
  })

  test('snapshots are of files and of what runs', async () => {
    const sandbox = await create()
    await sandbox.files.write('kept', 'content')
    await sandbox.commands.run('exec sleep 612', { background: true })
    const { snapshotId } = await sandbox.createSnapshot()
    await sandbox.files.write('kept', 'changed')
    const copy = await Sandbox.create(snapshotId, options())
    expect(await copy.files.read('kept')).toBe('content')
    expect((await copy.commands.run('cat /proc/[0-9]*/cmdline | tr "\\0" " "')).stdout).toContain('sleep 612')
    expect(await Sandbox.deleteSnapshot(snapshotId, options())).toBe(true)
    expect(await Sandbox.deleteSnapshot(snapshotId, options())).toBe(false)
    await expect(Sandbox.create(snapshotId, options())).rejects.toThrow('not found')
  })

  test('a lifetime ends, also one that is set shorter', async () => {
    const sandbox = await create()
    const running = sandbox.commands.run('sleep 600', { timeoutMs: 0 }).catch((error: unknown) => error)
    await sandbox.setTimeout(1000)
    expect(await running).toBeInstanceOf(Error)
    expect(emulator.ids()).toEqual([])
    await expect(create({ timeoutMs: 90_000_000 })).rejects.toThrow('24 hours')
  })

  test('keys are checked, requests are counted, faults come when they are asked for', async () => {
    await expect(create({ apiKey: `${emulator.apiKey}x` })).rejects.toThrow('Invalid API key')
    const sandbox = await create()
    emulator.traffic.reset()
    emulator.traffic.fail(1, { kind: 'error', when: 'after' })
    emulator.traffic.fail(2, { kind: 'rate-limit', when: 'before', retryAfter: 0 })
    emulator.traffic.fail(4, { kind: 'death', when: 'before' })
    await expect(create()).rejects.toThrow('500')
    expect(emulator.ids()).toHaveLength(2)
    expect(await sandbox.getInfo()).toMatchObject({ state: 'running' })
    expect(emulator.traffic.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v2/sandboxes',
      `GET /sandboxes/${sandbox.sandboxId}`,
      `GET /sandboxes/${sandbox.sandboxId}`,
    ])
    await expect(sandbox.commands.run('true')).rejects.toBeInstanceOf(SandboxNotFoundError)
    expect(emulator.ids()).toHaveLength(1)
  })
})
