import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cgroupHost } from '../src/cgroup-host.ts'
import { local } from '../src/index.ts'
import { drain, readUntil, run, sh, testRoom } from './support.ts'

const room = testRoom()
const here = local().resolve().limits
const has = (controller: 'memory' | 'pids' | 'cpu'): boolean => cgroupHost()?.parents.has(controller) ?? false

it('declares what this machine holds, and every sandbox tells what it has', async () => {
  const sandbox = await room.create()
  expect(sandbox.profile.limits).toEqual(here)
  expect(here).toEqual(expect.arrayContaining(['cpuSeconds', 'fileBytes']))
})

it('limits the size of a file', async () => {
  const sandbox = await room.create({ limits: { fileBytes: 10_000 } })
  const { exit } = await run(sandbox, ['head', '-c', '20000', '/dev/zero'])
  expect(exit.code).toBe(0)
  expect(await sh(sandbox, 'head -c 20000 /dev/zero > file; wc -c < file')).toBe('9728')
})

it('limits the time of one process', async () => {
  const sandbox = await room.create({ limits: { cpuSeconds: 1 } })
  const { exit } = await run(sandbox, ['sh', '-c', 'while :; do :; done'])
  expect(['SIGKILL', 'SIGXCPU']).toContain(exit.signal)
  expect(await sh(sandbox, 'echo alive')).toBe('alive')
})

describe.runIf(here.includes('processes'))('the limit of processes', () => {
  it('holds a fork bomb, and the sandbox can be used after it', async () => {
    const sandbox = await room.create({ limits: { processes: 20 } })
    const bomb = await sandbox.spawn(['sh', '-c', '(while :; do sleep 1000 & echo one; done); echo full; exec sleep 1000'])
    const output = bomb.output[Symbol.asyncIterator]()
    expect((await readUntil(output, 'full')).split('one').length).toBeLessThanOrEqual(20)
    await expect(sandbox.spawn(['sh', '-c', 'sleep 1000 & sleep 1000'])).rejects.toMatchObject({ provider: 'local' })
    await bomb.kill?.('SIGKILL')
    while (!(await output.next()).done);
    expect(await sh(sandbox, 'echo alive')).toBe('alive')
  })
})

describe.runIf(has('memory'))('the limit of memory', () => {
  it('counts the sandbox as a whole, with its files in memory', async () => {
    const sandbox = await room.create({ limits: { memoryBytes: 64 * 1024 * 1024 } })
    const eater = await run(sandbox, ['tail', '/dev/zero'])
    expect(eater.exit.signal).toBe('SIGKILL')
    expect((await run(sandbox, ['sh', '-c', 'head -c 100000000 /dev/zero > /dev/shm/file'])).exit).not.toEqual({ code: 0, signal: null })
    expect(await sh(sandbox, 'rm -f /dev/shm/file; echo alive')).toBe('alive')
  })
})

describe.runIf(has('cpu') && cgroupHost()?.version === 1)('the share of the processor', () => {
  it('is set in the kernel', async () => {
    const sandbox = await room.create({ limits: { cpus: 0.5 } })
    const groups = readFileSync(join(room.directory, sandbox.info.id, 'cgroups'), 'utf8').split('\n')
    const group = groups.find((path) => path.includes('/cpu'))
    expect(readFileSync(join(group ?? '', 'cpu.cfs_quota_us'), 'utf8').trim()).toBe('50000')
    expect(readFileSync(join(group ?? '', 'tasks'), 'utf8')).not.toBe('')
  })
})

it('has limits without any being asked for', async () => {
  const sandbox = await room.create()
  const groups = readFileSync(join(room.directory, sandbox.info.id, 'cgroups'), 'utf8')
    .split('\n')
    .filter(Boolean)
  if (has('pids') && cgroupHost()?.version === 1)
    expect(groups.some((path) => path.includes('/pids') && Number(readFileSync(join(path, 'pids.max'), 'utf8')) < 2000)).toBe(true)
  const process = await sandbox.spawn(['sh', '-c', 'ulimit -v; echo ok'])
  expect((await drain(process)).stdout.toString()).toContain('ok')
})
