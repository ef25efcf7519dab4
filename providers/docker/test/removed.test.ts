import { isRingfenceError } from '@ringfence/core'
import { openWorkspace, type Workspace } from '@ringfence/workspace'
import { beforeAll, describe, expect, test } from 'vitest'
import { docker } from '../src/index.ts'
import { missing, socketPath, startEngine } from './engine.ts'
import { BUSYBOX, makeImages } from './images.ts'
import { containers, defer, errorOf, installation, removed, until } from './support.ts'

describe.skipIf(missing !== undefined)(`a container removed behind our back${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(async () => {
    await startEngine()
    await makeImages()
  })

  async function open(): Promise<Workspace> {
    const sandbox = docker({ image: BUSYBOX, socketPath })
    const workspace = await openWorkspace({ sandbox, installation, policy: { minimumIsolation: 'container' } })
    defer(() => workspace.destroy())
    return workspace
  }

  test('between two calls every call says that it is gone', async () => {
    const workspace = await open()
    await workspace.writeFile('a', 'b')
    await removed(workspace.sandboxId)
    for (const call of [
      () => workspace.exec('true'),
      () => workspace.spawn('cat', { stdin: 'open' }),
      () => workspace.readFile('a'),
      () => workspace.writeFile('a', 'c'),
      () => workspace.list('.'),
      () => workspace.attach('none'),
      () => workspace.diff(),
    ]) {
      const error = await errorOf(call())
      expect(error.code, `${call} says "${error.message}"`).toBe('sandbox.gone')
      expect(error.hint).toContain('snapshot')
    }
    await workspace.destroy()
    expect(await containers()).toEqual([])
  })

  test('while commands run and files move, all that is under way says so', async () => {
    const workspace = await open()
    const executed = errorOf(workspace.exec('echo >begun; sleep 600'))
    const command = await workspace.spawn('echo >live; cat', { stdin: 'open' })
    const live = errorOf(command.exit)
    let taken = 0
    const written = errorOf(
      workspace.writeFile(
        'big',
        zeros(() => {
          taken += 1
        }),
      ),
    )
    await workspace.exec('truncate -s 50G large')
    await until(() => taken > 5)
    let removing: Promise<void> | undefined
    const reading = (async () => {
      for await (const _ of workspace.readStream('large')) removing ??= removed(workspace.sandboxId)
    })()
    const read = errorOf(reading)
    for (const error of [await executed, await live, await written, await read]) expect(reasonsOf(error)).toContain('sandbox.gone')
    await removing
  })
})

/** The code of an error, and of those that caused it. */
function reasonsOf(error: unknown): string[] {
  return isRingfenceError(error) ? [error.code, ...reasonsOf(error.cause)] : []
}

/** Content that never ends. */
async function* zeros(onTaken: () => void): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Buffer.alloc(65_536)
    onTaken()
  }
}
