import { type Provider, type RuntimeContext, type Sandbox, systemRuntime } from '@ringfence/core'
import { local } from '@ringfence/provider-local'
import { afterEach, describe, expect, test } from 'vitest'
import { expectCode, minimal, type ProviderSubject, providerSuite, type Suite, withSnapshots } from '../../src/index.ts'
import { describeSuite } from '../../src/vitest/index.ts'

/** What there is about snapshots: all else is the provider's below, which is tested elsewhere. */
const snapshots: Suite<ProviderSubject> = {
  name: 'provider, snapshots',
  requirements: providerSuite.requirements.filter(({ id }) => /^(contract\.(snapshot|create)|snapshot\.native|fork|pool)\./.test(id)),
}

describe('over the local provider', () => describeSuite(snapshots, { provider: withSnapshots(local()) }))

describe('over one without stdin and without a control directory', () =>
  describeSuite(snapshots, { provider: withSnapshots(minimal(local(), { stdin: 'none' })) }))

describe('withSnapshots', () => {
  const made: Sandbox[] = []
  afterEach(async () => {
    for (const sandbox of made.splice(0)) await sandbox.destroy()
  })
  let count = 0

  async function create(
    provider: Provider,
    over: Partial<Parameters<Provider['create']>[0]> = {},
    context: RuntimeContext = systemRuntime,
  ) {
    count += 1
    const ref = { installation: 'testkit', runId: 'with-snapshots', intentId: `${process.pid}-${count}` }
    const sandbox = await provider.create({ ref, isolation: 'process', egress: 'none', limits: {}, lifetimeMs: 120_000, ...over }, context)
    made.push(sandbox)
    return sandbox
  }

  async function sh(sandbox: Sandbox, script: string): Promise<string> {
    const process = await sandbox.spawn(['sh', '-c', `cd "$1" && { ${script}; }`, 'sh', sandbox.info.workspace])
    let text = ''
    for await (const { bytes } of process.output) text += Buffer.from(bytes).toString()
    return text
  }

  test('many megabytes come back in pieces', async () => {
    const provider = withSnapshots(local())
    const source = await create(provider)
    await sh(source, 'head -c 3000000 /dev/urandom > large')
    const from = await source.snapshot?.take()
    const copy = await create(provider, { from })
    expect(await sh(copy, 'sha256sum < large')).toBe(await sh(source, 'sha256sum < large'))
    expect(await sh(copy, 'ls -A')).toBe('large\n')
  })

  test('what cannot be read is no snapshot, and what cannot be written leaves no sandbox', async () => {
    const provider = withSnapshots(local())
    const source = await create(provider)
    await sh(source, 'echo x > closed; chmod 000 closed')
    await expectCode(async () => source.snapshot?.take(), 'snapshot.failed')
    await sh(source, 'rm -f closed; head -c 1000000 /dev/zero > large')
    const from = await source.snapshot?.take()
    const ref = { installation: 'testkit', runId: 'with-snapshots', intentId: `${process.pid}-small` }
    await expectCode(create(provider, { from, ref, limits: { fileBytes: 100_000 } }), 'sandbox.start-failed')
    expect(await provider.find?.(ref, systemRuntime)).toBeUndefined()
  })

  test('an intent that is asked for again is not filled again', async () => {
    const provider = withSnapshots(local())
    const source = await create(provider)
    await sh(source, 'echo kept > file')
    const from = await source.snapshot?.take()
    const ref = { installation: 'testkit', runId: 'with-snapshots', intentId: `${process.pid}-again` }
    const [one, two] = await Promise.all([create(provider, { from, ref }), create(provider, { from, ref })])
    expect(one.info.id).toBe(two.info.id)
    await sh(one, 'echo changed > file')
    expect(await sh(await create(provider, { from, ref }), 'cat file')).toBe('changed\n')
    await one.destroy()
    // The same intent in another life is.
    expect(await sh(await create(provider, { from, ref }), 'cat file')).toBe('kept\n')
  })
})
