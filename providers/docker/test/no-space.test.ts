import { openWorkspace, type Workspace } from '@ringfence/workspace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { missing } from './engine.ts'
import { BUSYBOX, fillBusybox, make } from './images.ts'
import { openPrivateEngine, type PrivateEngine } from './private-engine.ts'
import { errorOf, expectHint, expectToldClearly, until } from './support.ts'

/** The disk of the engine, in MiB. The image takes a few of them. */
const DISK_MIB = 48

describe.skipIf(missing !== undefined)(`an engine whose disk is full${missing ? ` (${missing})` : ''}`, () => {
  let engine: PrivateEngine
  const open = (): Promise<Workspace> =>
    openWorkspace({ sandbox: docker({ image: BUSYBOX, socketPath: engine.socketPath }), policy: { minimumIsolation: 'container' } })
  const left = async (): Promise<readonly unknown[]> => JSON.parse((await engine.api('GET', '/containers/json?all=1')).body)

  beforeAll(async () => {
    engine = await openPrivateEngine()
    await engine.inside(`mount -t tmpfs -o size=${DISK_MIB}m none "$data"`)
    await engine.start()
    await make(BUSYBOX, fillBusybox, [], engine.api)
  })
  afterAll(() => engine?.close())

  test('a sandbox that fills it is told so, and goes on when there is room again', async () => {
    const workspace = await open()
    await workspace.writeFile('kept', 'before')
    const filled = await workspace.exec(`head -c ${DISK_MIB * 1024 ** 2} /dev/zero >big`)
    // What it says of it goes to the same disk.
    expect(filled.exitCode).toBe(1)
    expectToldClearly(await errorOf(workspace.exec('true')), ['provider.failed', 'exec.lost'])
    expectHint(await errorOf(workspace.writeFile('more', Buffer.alloc(1024 ** 2))), 'fs.no-space', /more/)
    expect(await workspace.readText('kept')).toBe('before')
    await workspace.remove('big')
    await workspace.writeFile('more', Buffer.alloc(1024 ** 2))
    expect((await workspace.exec('wc -c <more')).stdout.trim()).toBe(String(1024 ** 2))
    await workspace.destroy()
    await until(async () => (await left()).length === 0)
  })

  test('no sandbox is made on it, nothing is left of it, and one is made when there is room again', async () => {
    await engine.inside('head -c 1000000000 /dev/zero >"$data/ballast"; :')
    const error = await errorOf(open())
    expectHint(error, 'sandbox.start-failed', /disk of the engine is full/)
    expect(error.effect).toBe('none')
    expect(await left()).toEqual([])
    await engine.inside('rm "$data/ballast"')
    const workspace = await open()
    expect((await workspace.exec('echo room')).stdout).toBe('room\n')
    await workspace.destroy()
  })
})
