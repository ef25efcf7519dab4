import { type E2bEmulator, startE2bEmulator, whatIsMissing } from '@ringfence/emulators/e2b'
import { openWorkspace } from '@ringfence/workspace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provider } from './support.ts'

const missing = whatIsMissing()

describe.skipIf(missing !== undefined)(`messages to e2b${missing ? ` (${missing})` : ''}`, () => {
  let emulator: E2bEmulator

  beforeAll(async () => {
    emulator = await startE2bEmulator()
  })
  afterAll(() => emulator.close())

  test('what a workspace does costs few requests', { timeout: 120_000 }, async () => {
    const counted: Record<string, number> = {}
    const count = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      emulator.traffic.reset()
      const result = await work()
      counted[name] = emulator.traffic.requests.length
      return result
    }
    const policy = { minimumIsolation: 'microvm' } as const
    const entries = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`d${at % 20}/f${at}`, { type: 'file' as const, content: `${at}\n` }]),
    )
    const workspace = await count('open', () => openWorkspace({ sandbox: provider(emulator), policy }))
    const full = await count('open with 1,000 files', () => openWorkspace({ sandbox: provider(emulator), policy, manifest: { entries } }))
    await workspace.exec('true')
    expect((await count('exec', () => workspace.exec('echo on'))).stdout).toBe('on\n')
    await count('write', () => workspace.writeFile('file', 'content'))
    expect(Buffer.from(await count('read', () => workspace.readFile('file'))).toString()).toBe('content')
    expect(await count('list', () => workspace.list('.'))).toHaveLength(1)
    await count('snapshot', () => workspace.fork()).then((fork) => fork.destroy())
    await count('destroy', () => workspace.destroy())
    expect((await full.list('d3')).length).toBe(50)
    await full.destroy()
    if (process.env.RINGFENCE_COUNTS) console.log(counted)
    const most = { open: 12, 'open with 1,000 files': 24, exec: 4, write: 4, read: 4, list: 4, snapshot: 40, destroy: 4 }
    for (const [name, at] of Object.entries(most)) expect(counted[name], name).toBeLessThanOrEqual(at)
  })
})
