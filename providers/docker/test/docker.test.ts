import { systemRuntime } from '@ringfence/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { nameOf } from '../src/spec.ts'
import { api, missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, DEBIAN, fillBusybox, make, makeImages } from './images.ts'
import { containers, create, defer, errorOf, finish, inspect, removed, requestFor, sh, until } from './support.ts'

const title = (name: string): string => (missing === undefined ? name : `${name} (${missing})`)

describe.skipIf(missing !== undefined)(title('docker'), () => {
  beforeAll(async () => {
    await startEngine()
    await makeImages()
  })

  test('what runs inside has no rights, no network and no way to the engine', async () => {
    const sandbox = await create()
    const status = await sh(sandbox, 'cat /proc/self/status')
    for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status).toContain(`${name}:\t0000000000000000`)
    expect(status).toMatch(/NoNewPrivs:\t1/)
    expect(status).toMatch(/Seccomp:\t2/)
    expect(status).toMatch(/Uid:\t1000\t1000\t1000\t1000/)
    expect((await sh(sandbox, 'ls /sys/class/net')).trim()).toBe('lo')
    expect(await sh(sandbox, 'cat /etc/hosts')).toMatch(/^127\.0\.0\.1\s+localhost$/m)
    const network = 'readlink /proc/self/ns/net'
    expect(await sh(await create(), network)).not.toBe(await sh(sandbox, network))
    expect(await sh(sandbox, 'ls -d /var/run/docker.sock /run/docker.sock /.dockerinit 2>&1 | grep -c "No such"')).toBe('3\n')
    expect(await sh(sandbox, 'touch /x /etc/x 2>&1 | grep -c denied; unshare -r true 2>/dev/null || echo refused')).toBe('2\nrefused\n')
    expect(await sh(sandbox, 'stat -c "%U %a" /workspace; [ -w "$HOME" ] && echo writable')).toBe('sandbox 755\nwritable\n')
  })

  test('the container is made closed, and its resources are bounded', async () => {
    const sandbox = await create()
    const seen = await inspect(sandbox.info.id)
    expect(seen).toMatchObject({
      Config: { User: '64931:64931', Healthcheck: { Test: ['NONE'] } },
      HostConfig: {
        AutoRemove: true,
        Binds: null,
        CapAdd: null,
        CapDrop: ['ALL'],
        CpuQuota: 200_000,
        Init: true,
        LogConfig: { Type: 'none' },
        Memory: 4 * 1024 ** 3,
        MemorySwap: 4 * 1024 ** 3,
        NetworkMode: 'none',
        PidsLimit: 1024,
        Privileged: false,
        SecurityOpt: ['no-new-privileges'],
      },
      Mounts: [{ Type: 'volume', Destination: '/ringfence' }],
    })
    expect(sandbox.profile).toMatchObject({ isolation: 'container', user: 'non-root', limits: ['memoryBytes', 'processes', 'cpus'] })
    const limited = await create({}, { limits: { memoryBytes: 64 * 1024 ** 2, processes: 50, cpus: 0.5, cpuSeconds: 9, fileBytes: 4096 } })
    expect(limited.profile.limits).toEqual(['memoryBytes', 'processes', 'cpus', 'cpuSeconds', 'fileBytes'])
    expect(await sh(limited, 'cat /proc/self/limits')).toMatch(/Max cpu time +9 +9 .*\n(?:.*\n)*?Max file size +4096 +4096 /)
  })

  test('a read-only root leaves workspace, home and temporary folders writable', async () => {
    const sandbox = await create({ readOnlyRoot: true })
    const script =
      'for d in / /etc /usr /bin /workspace /tmp /var/tmp "$HOME" /ringfence/control; do { echo >$d/x; } 2>/dev/null && echo $d; done'
    expect(await sh(sandbox, script)).toBe('/workspace\n/tmp\n/var/tmp\n/ringfence/home\n/ringfence/control\n')
    expect(await sh(sandbox, 'touch /x 2>&1', 'root')).toContain('Read-only')
    expect(await sh(sandbox, 'stat -c "%U %a" /workspace')).toBe('sandbox 755\n')
  })

  test('commands can neither end the init nor prolong the life, not even as root', async () => {
    const sandbox = await create()
    await sandbox.lifetime?.extend(400_000)
    for (const user of [undefined, 'root', 'nobody']) {
      const script =
        'for p in 1 2 3 4 5 6 7 8 9; do [ $p = $$ ] || kill -9 $p 2>/dev/null; done; ls /ringfence/lease 2>/dev/null; echo 9 2>/dev/null >/ringfence/lease/holder.x || echo kept'
      expect(await sh(sandbox, script, user)).toMatch(/kept\n$/)
    }
    expect((await inspect(sandbox.info.id)) === undefined).toBe(false)
    expect((await errorOf(sandbox.spawn(['true'], { user: '64931' }))).code).toBe('config.invalid')
    expect((await errorOf(sandbox.spawn(['true'], { user: 'a b' }))).code).toBe('config.invalid')
  })

  test('the user of an image is taken, by name too; root only when asked for by name', async () => {
    const named = `ringfence-test/named:${BUSYBOX.split(':')[1]}`
    await make(named, fillBusybox, ['USER nobody'])
    const own = await create({ image: named })
    expect(await sh(own, 'id -un; stat -c %U /workspace; touch /workspace/x && echo made')).toBe('nobody\nnobody\nmade\n')
    const root = await create({ user: 'root' })
    expect([root.profile.user, docker({ user: '0:0' }).resolve().user]).toEqual(['root', 'root'])
    expect(await sh(root, 'id -u; stat -c %U /workspace; grep CapEff /proc/self/status')).toBe('0\nroot\nCapEff:\t0000000000000000\n')
    const unknown = await errorOf(create({ user: 'nobody-knows' }))
    expect([unknown.code, unknown.message]).toEqual(['config.invalid', expect.stringContaining('nobody-knows')])
    expect((await containers()).length).toBe(2)
  })

  test('an open network is there when it is asked for', async () => {
    const sandbox = await create({}, { egress: 'open' })
    expect((await sh(sandbox, 'ls /sys/class/net')).split('\n')).toContain('eth0')
  })

  test('a program that is not there is code 126 or 127, and the reason is on stderr', async () => {
    const sandbox = await create()
    const { stdout, stderr, code } = await finish(await sandbox.spawn(['no-such-program']))
    expect(stdout).toBe('')
    expect([126, 127]).toContain(code)
    expect(stderr).toContain('no-such-program')
    expect(await finish(await sandbox.spawn(['echo', 'OCI runtime exec failed: not at all']))).toMatchObject({ stderr: '', code: 0 })
    const error = await errorOf(sandbox.pty?.open(['x'], { size: { columns: 80, rows: 24 }, user: 'nobody-knows' }) ?? Promise.resolve())
    expect(error.code).toBe('exec.spawn-failed')
  })

  test('output that nobody reads makes the process wait', async () => {
    const sandbox = await create()
    const process = await sandbox.spawn(['sh', '-c', 'head -c 100000000 /dev/zero; : >/workspace/written'])
    const output = process.output[Symbol.asyncIterator]()
    await output.next()
    for (let round = 0; round < 5; round += 1) expect(await sh(sandbox, 'ls /workspace')).toBe('')
    let bytes = 0
    for (let next = await output.next(); !next.done; next = await output.next()) bytes += next.value.bytes.length
    expect(bytes).toBeGreaterThan(99_000_000)
    expect(await sh(sandbox, 'ls /workspace')).toBe('written\n')
  })

  test('letting a terminal go hangs up what runs on it', async () => {
    const sandbox = await create({ image: DEBIAN })
    const script = `trap ': >/workspace/hung; exit' HUP; echo ready; while :; do sleep 0.1; done`
    const terminal = await sandbox.pty?.open(['sh', '-c', script], { size: { columns: 80, rows: 24 } })
    if (!terminal) throw new Error('no terminal')
    for await (const { bytes } of terminal.output) if (Buffer.from(bytes).includes('ready')) break
    await terminal.detach()
    await until(async () => (await sh(sandbox, 'ls /workspace')) === 'hung\n')
  })

  test('two creators of one intent share one container, and the second prolongs its life', async () => {
    const request = requestFor({ lifetimeMs: 20_000 })
    const [one, two] = [docker({ image: BUSYBOX, socketPath }), docker({ image: BUSYBOX, socketPath })]
    const made = await Promise.all([one.create(request, systemRuntime), two.create({ ...request, lifetimeMs: 600_000 }, systemRuntime)])
    for (const { info } of made) defer(() => removed(info.id))
    expect(new Set(made.map(({ info }) => info.id)).size).toBe(1)
    expect((await containers()).length).toBe(1)
    const other = await errorOf(one.create({ ...request, limits: { processes: 99 } }, systemRuntime))
    expect(other.code).toBe('config.invalid')
    expect((await containers()).length).toBe(1)
  })

  test('a container of the name that is not ours stays, and the creation is refused', async () => {
    const request = requestFor()
    const image = { Image: BUSYBOX, Cmd: ['sleep', '600'] }
    const foreign = JSON.parse((await api('POST', `/containers/create?name=${nameOf(request.ref)}`, image)).body)
    defer(() => removed(foreign.Id))
    expect((await errorOf(docker({ image: BUSYBOX, socketPath }).create(request, systemRuntime))).code).toBe('sandbox.start-failed')
    expect((await inspect(foreign.Id)) === undefined).toBe(false)
    expect(await docker({ socketPath }).find?.(request.ref, systemRuntime)).toBe(undefined)
    const state = { provider: 'docker', id: foreign.Id, data: {} }
    expect((await errorOf(docker({ socketPath }).resume(state, { lifetimeMs: 1000 }, systemRuntime))).code).toBe('sandbox.gone')
  })

  test('twenty made and destroyed, and some that expire, leave nothing', async () => {
    const volumes = async (): Promise<number> => (JSON.parse((await api('GET', '/volumes')).body).Volumes ?? []).length
    const provider = docker({ image: BUSYBOX, socketPath })
    const before = await volumes()
    for (let round = 0; round < 5; round += 1) {
      const made = await Promise.all(Array.from({ length: 4 }, () => provider.create(requestFor(), systemRuntime)))
      await Promise.all(made.map(async (sandbox) => sh(sandbox, 'echo x >/workspace/x')))
      await Promise.all(made.map((sandbox) => sandbox.destroy()))
    }
    const expiring = await provider.create(requestFor({ lifetimeMs: 1000 }), systemRuntime)
    await expiring.release()
    await until(async () => (await containers()).length === 0)
    await until(async () => (await volumes()) <= before)
  })
})
