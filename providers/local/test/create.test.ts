import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemRuntime } from '@ringfence/core'
import { afterAll, describe, expect, it } from 'vitest'
import { type LocalOptions, local } from '../src/index.ts'
import { processesWith, requestOf, run, sh, testRoom } from './support.ts'

const room = testRoom()
const isRoot = process.getuid?.() === 0
const place = mkdtempSync('/var/tmp/ringfence-place-')
chmodSync(place, 0o755)
afterAll(() => rmSync(place, { recursive: true, force: true }))

function fake(name: string, script: string): string {
  const path = join(place, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

const create = (options: LocalOptions, changes: Parameters<typeof requestOf>[0] = {}): Promise<unknown> =>
  local({ directory: room.directory, ...options }).create(requestOf(changes), systemRuntime)

/** Nothing of a sandbox may be there after a failure. */
function expectNothing(): void {
  expect(readdirSync(room.directory).filter((name) => !name.startsWith('runtime-'))).toEqual([])
  expect(processesWith(`${room.directory}/`)).toEqual([])
}

describe('options', () => {
  it.each([[{ directory: 'relative' }], [{ readOnlyPaths: ['/proc/sys'] }], [{ readOnlyPaths: ['/'] }], [{ bubblewrap: 'bwrap' }]])(
    'refuses %j at once',
    (options) => {
      expect(() => local(options)).toThrow(expect.objectContaining({ code: 'config.invalid', effect: 'none' }))
    },
  )

  it('refuses a path that is not there, and one that holds the sandboxes', async () => {
    await expect(create({ readOnlyPaths: ['/no/such/path'] })).rejects.toMatchObject({ code: 'config.invalid' })
    try {
      await expect(create({ directory: '/opt/ringfence-test/state', readOnlyPaths: ['/opt'] })).rejects.toMatchObject({
        code: 'config.invalid',
      })
    } finally {
      rmSync('/opt/ringfence-test', { recursive: true, force: true })
    }
    expectNothing()
  })

  it('shows more of the host read-only', async () => {
    const without = await room.create()
    expect(await sh(without, 'ls /etc/default 2>/dev/null')).toBe('')
    await without.destroy()
    const sandbox = await room.create({}, { readOnlyPaths: ['/etc/default'] })
    expect(await sh(sandbox, 'ls /etc/default')).not.toBe('')
    expect(await sh(sandbox, 'touch /etc/default/x || echo held')).toBe('held')
    await sandbox.destroy()
  })
})

describe('without what is needed', () => {
  it('names the package that brings bubblewrap', async () => {
    await expect(create({ bubblewrap: '/no/such/bwrap' })).rejects.toMatchObject({
      code: 'sandbox.unavailable',
      hint: expect.stringContaining('apt-get install bubblewrap'),
    })
    expectNothing()
  })

  it('says how user namespaces are allowed', async () => {
    const bubblewrap = fake(
      'no-userns',
      'echo "bwrap: No permissions to create new namespace, likely because the kernel does not allow it" >&2; exit 1',
    )
    await expect(create({ bubblewrap })).rejects.toMatchObject({
      code: 'sandbox.unavailable',
      message: expect.stringContaining('No permissions to create new namespace'),
      hint: expect.stringContaining('unprivileged_userns_clone'),
    })
    expectNothing()
  })

  it('says that bubblewrap is too old', async () => {
    const bubblewrap = fake('old', 'echo "bwrap: Unknown option --disable-userns" >&2; exit 1')
    await expect(create({ bubblewrap })).rejects.toMatchObject({ code: 'sandbox.unavailable', hint: expect.stringContaining('0.8') })
    expectNothing()
  })

  it('repeats what else bubblewrap said', async () => {
    const bubblewrap = fake('odd', 'echo "bwrap: something odd" >&2; exit 1')
    await expect(create({ bubblewrap })).rejects.toMatchObject({
      code: 'sandbox.start-failed',
      message: expect.stringContaining('something odd'),
    })
    expectNothing()
  })

  it('refuses a sandbox that came without its isolation', async () => {
    // Runs the loop bare, with what the real one would say of itself.
    const script = [
      `printf '{\n    "child-pid": %s\n}\n' $$ >&5`,
      `tr '\\0' '\\n' <&3 >/tmp/ringfence-words-$$`,
      'while read -r word; do case $word in /*/requests) requests=${requests:-$word} ;; /*/runtime-*) runtime=$word ;; esac; done </tmp/ringfence-words-$$',
      'rm /tmp/ringfence-words-$$',
      'for id; do :; done',
      'exec sh "$runtime/loop" "$runtime" "$requests" - - - /tmp "$id"',
    ]
    const bubblewrap = fake('bare', script.join('\n'))
    await expect(create({ bubblewrap })).rejects.toMatchObject({
      code: 'sandbox.start-failed',
      message: expect.stringContaining('a user namespace'),
    })
    expectNothing()
  })
})

it('leaves nothing when it is aborted', async () => {
  const abort = new AbortController()
  const bubblewrap = fake(
    'slow',
    'printf \'{\\n    "child-pid": %s\\n}\\n\' $$ >&5; for id; do :; done; exec tail -f /dev/null "$id" >/dev/null 2>&1',
  )
  const made = create({ bubblewrap }, { signal: abort.signal })
  made.catch(() => undefined)
  await systemRuntime.clock.sleep(50)
  abort.abort(new Error('enough'))
  await expect(made).rejects.toThrow('enough')
  await expect(create({}, { signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow('early')
  expectNothing()
})

it('refuses what it does not give, before anything is made', async () => {
  await expect(create({}, { isolation: 'container' })).rejects.toMatchObject({ code: 'feature.unsupported', effect: 'none' })
  await expect(create({ isolation: 'none' }, { isolation: 'process', egress: 'open' })).rejects.toMatchObject({
    code: 'feature.unsupported',
  })
  await expect(create({ isolation: 'none' }, { isolation: 'none', egress: 'none' })).rejects.toMatchObject({ code: 'feature.unsupported' })
  await expect(create({}, { lifetimeMs: -1 })).rejects.toMatchObject({ code: 'config.invalid' })
  expectNothing()
})

it('opens the network of the host by name only', async () => {
  const sandbox = await room.create({ egress: 'open' })
  expect(Number(await sh(sandbox, 'grep -c : /proc/net/dev'))).toBeGreaterThanOrEqual(1)
  expect(await sh(sandbox, 'readlink /proc/self/ns/net')).toBe(
    await sh(await room.create({ isolation: 'none', egress: 'open' }, { isolation: 'none' }), 'readlink /proc/self/ns/net'),
  )
})

it('without isolation runs as the harness itself', async () => {
  const sandbox = await room.create({ isolation: 'none', egress: 'open' }, { isolation: 'none' })
  expect(sandbox.profile).toMatchObject({ isolation: 'none', egress: { tier: 'none' } })
  expect(await sh(sandbox, 'id -u; pwd')).toBe(`${process.getuid?.()}\n${sandbox.info.workspace}`)
  await sandbox.spawn(['sh', '-c', 'setsid sleep 98765 & sleep 98765'])
  expect((await run(sandbox, ['sh', '-c', 'exit 7'])).exit.code).toBe(7)
  await sandbox.destroy()
  expect(processesWith('98765')).toEqual([])
})

describe('the state directory', () => {
  it('is refused when it is a link, or when others may write it', async () => {
    mkdirSync(join(place, 'open'), { mode: 0o777 })
    chmodSync(join(place, 'open'), 0o777)
    symlinkSync(join(place, 'open'), join(place, 'link'))
    symlinkSync(place, join(place, 'open', 'planted'))
    for (const name of ['open', 'link', 'open/inner', 'open/planted/state'])
      await expect(create({ directory: join(place, name) })).rejects.toMatchObject({ code: 'config.invalid' })
  })

  it('is named when it cannot be made', async () => {
    for (const directory of ['/proc/none/state', '/etc/passwd/state'])
      await expect(create({ directory })).rejects.toMatchObject({
        code: 'sandbox.start-failed',
        message: expect.stringContaining(directory),
      })
  })

  it.runIf(isRoot)('is named when it is full, whatever the start has come to', async () => {
    const disk = join(place, 'disk')
    mkdirSync(disk)
    for (const size of ['16k', '44k', '48k', '52k', '56k', '60k']) {
      // A container may not be allowed to mount.
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', `mode=755,size=${size}`, 'none', disk]).status !== 0) return
      try {
        const made = local({ directory: join(disk, 'state') }).create(requestOf(), systemRuntime)
        const failure: unknown = await made.then(
          async (sandbox) => sandbox.destroy(),
          (error: unknown) => error,
        )
        if (failure) expect(failure).toMatchObject({ code: 'sandbox.start-failed', message: expect.stringMatching(/space left/i) })
        expect(readdirSync(join(disk, 'state')).filter((name) => !name.startsWith('runtime-'))).toEqual([])
      } finally {
        spawnSync('umount', [disk])
      }
    }
  })

  it.runIf(isRoot)('is refused when it belongs to somebody else, or cannot be reached by the user of the sandbox', async () => {
    mkdirSync(join(place, 'theirs'))
    chownSync(join(place, 'theirs'), 12345, 12345)
    await expect(create({ directory: join(place, 'theirs') })).rejects.toMatchObject({ code: 'config.invalid' })
    mkdirSync(join(place, 'closed'), { mode: 0o700 })
    await expect(create({ directory: join(place, 'closed', 'state') })).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringContaining('o+x'),
    })
  })
})

it.runIf(isRoot)('works for a user who is not root, with what that one can limit', async () => {
  const state = mkdtempSync('/var/tmp/ringfence-user-')
  chownSync(state, 65534, 65534)
  const code = `
    const { local } = await import('@ringfence/provider-local'); const { systemRuntime } = await import('@ringfence/core');
    const sandbox = await local({ directory: ${JSON.stringify(state)} }).create({ ref: { installation: 't', runId: 'user', intentId: 'user' },
      isolation: 'process', egress: 'none', limits: { processes: 20 }, lifetimeMs: 60000 }, systemRuntime);
    const child = await sandbox.spawn(['sh', '-c', 'id -u; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do sleep 1000 & done 2>&1; echo unlimited']);
    for await (const { bytes } of child.output) { process.stdout.write(bytes); if (String(Buffer.from(bytes)).includes('fork')) break }
    await sandbox.destroy();
    console.log(JSON.stringify(sandbox.profile.limits))`
  try {
    const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=@ringfence/source', '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: import.meta.dirname,
      uid: 65534,
      gid: 65534,
      env: { PATH: process.env.PATH, HOME: state, TMPDIR: state },
    })
    let seen = ''
    for await (const data of child.stdout) seen += String(data)
    expect(seen).toMatch(/^1000\n/)
    expect(seen).not.toContain('unlimited')
    expect(seen).toContain('"processes"')
    expect(readdirSync(state).filter((name) => /^[0-9a-f]{32}$/.test(name))).toEqual([])
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
})
