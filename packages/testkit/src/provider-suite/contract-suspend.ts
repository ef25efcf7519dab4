import type { SuspendFacet } from '@ringfence/core'
import { expectCode, expectEqual, expectTrue } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { COUNT, expectStoodStill, PAUSED_MS } from './counting.ts'
import { facet } from './features.ts'
import { outlive, shortLifetime } from './lifetimes.ts'
import { createSandbox, eitherWay, finish, type ProviderRequirement, type ProviderSubject, requirement, sh, until } from './subject.ts'

const suspend = facet('suspend')

type Suspendable = Awaited<ReturnType<typeof createSandbox>> & { readonly suspend: SuspendFacet }

async function suspendable(subject: ProviderSubject, context: RequirementContext, lifetimeMs?: number): Promise<Suspendable> {
  const { suspend: there, ...sandbox } = await createSandbox(subject, context, lifetimeMs === undefined ? {} : { lifetimeMs })
  expectTrue(there !== undefined, 'The profile declares "suspend", and the sandbox has none')
  return { ...sandbox, suspend: there }
}

export const suspendRequirements: readonly ProviderRequirement[] = [
  requirement(
    'contract.suspend.stands-still',
    'What runs stands still while it is paused, and goes on after it, with its output whole.',
    async (subject, context) => {
      const sandbox = await suspendable(subject, context)
      const { workspace } = sandbox.info
      const reading = finish(await sandbox.spawn(['sh', '-c', COUNT, 'sh', workspace]))
      await until(context, 'it counts', async () => (await sh(sandbox, '[ -e "$1/counting" ]', workspace)).code === 0)
      await sandbox.suspend.pause()
      await context.runtime.clock.sleep(PAUSED_MS, { signal: context.signal })
      await sandbox.suspend.resume()
      await sh(sandbox, ': > "$1/stop"', workspace)
      const { stdout, code } = await reading
      expectStoodStill(stdout.toString())
      expectEqual(code, 0, 'The code')
    },
    suspend,
  ),
  requirement(
    'contract.suspend.idempotent',
    'Pausing twice is pausing once, resuming twice is resuming once, and what runs may be resumed.',
    async (subject, context) => {
      const sandbox = await suspendable(subject, context)
      await sandbox.suspend.resume()
      await sandbox.suspend.pause()
      await sandbox.suspend.pause()
      await sandbox.suspend.resume()
      expectEqual((await sh(sandbox, 'echo on')).stdout.toString(), 'on\n', 'What runs after it')
      await sandbox.suspend.resume()
      await Promise.all([sandbox.suspend.pause(), sandbox.suspend.pause()])
      await sandbox.suspend.resume()
      expectEqual((await sh(sandbox, 'echo on')).stdout.toString(), 'on\n', 'What runs after the second pause')
    },
    suspend,
  ),
  requirement(
    'contract.suspend.destroy',
    'A sandbox is destroyed while it is paused, with what runs in it.',
    async (subject, context) => {
      const sandbox = await suspendable(subject, context)
      const process = await sandbox.spawn(['sleep', '600'])
      await sandbox.suspend.pause()
      await sandbox.destroy()
      await expectCode(subject.provider.resume(sandbox.state, { lifetimeMs: 60_000 }, context.runtime), 'sandbox.gone')
      expectTrue((await eitherWay(finish(process)))?.code !== 0, 'The process ended well')
    },
    suspend,
  ),
  requirement(
    'contract.suspend.attach',
    'One that was released while it was paused goes on when it is attached to, with what runs in it.',
    async (subject, context) => {
      const sandbox = await suspendable(subject, context)
      const { workspace } = sandbox.info
      const script = 'cd "$1"; : > counting; while [ ! -e go ]; do sleep 0.05; done; : > done'
      await (await sandbox.spawn(['sh', '-c', script, 'sh', workspace])).detach()
      await until(context, 'the process runs', async () => (await sh(sandbox, '[ -e "$1/counting" ]', workspace)).code === 0)
      await sandbox.suspend.pause()
      await sandbox.release()
      const again = await subject.provider.resume(sandbox.state, { lifetimeMs: 60_000, signal: context.signal }, context.runtime)
      context.defer(() => again.destroy())
      await sh(again, ': > "$1/go"', workspace)
      await until(context, 'the process goes on', async () => (await sh(again, '[ -e "$1/done" ]', workspace)).code === 0)
    },
    suspend,
  ),
  requirement(
    'contract.suspend.lifetime',
    'A lifetime goes on while its sandbox is paused: it is gone after it, at the latest when the provider makes the next one.',
    async (subject, context) => {
      const lifetimeMs = await shortLifetime(subject, context)
      const sandbox = await suspendable(subject, context, lifetimeMs)
      await sandbox.suspend.pause()
      await outlive(subject, context, lifetimeMs)
      await createSandbox(subject, context)
      await expectCode(subject.provider.resume(sandbox.state, { lifetimeMs: 60_000 }, context.runtime), 'sandbox.gone')
    },
    suspend,
  ),
  requirement(
    'contract.suspend.extend',
    'A lifetime that is prolonged while its sandbox is paused counts.',
    async (subject, context) => {
      const lifetimeMs = await shortLifetime(subject, context)
      const sandbox = await suspendable(subject, context, lifetimeMs)
      // Without it there is no call that could count.
      if (!sandbox.lifetime) return
      await sandbox.suspend.pause()
      await sandbox.lifetime.extend(120_000)
      await outlive(subject, context, lifetimeMs)
      await createSandbox(subject, context)
      await sandbox.suspend.resume()
      expectEqual((await sh(sandbox, 'echo alive')).stdout.toString(), 'alive\n', 'What it says')
    },
    suspend,
  ),
  requirement(
    'contract.suspend.closed',
    'Of a released handle pause() and resume() are sandbox.closed, of a sandbox that has ended sandbox.gone.',
    async (subject, context) => {
      const first = await suspendable(subject, context)
      const second = await subject.provider.resume(first.state, { lifetimeMs: 60_000, signal: context.signal }, context.runtime)
      context.defer(() => second.destroy())
      await first.release()
      await expectCode(first.suspend.pause(), 'sandbox.closed', 'pause after release')
      await expectCode(first.suspend.resume(), 'sandbox.closed', 'resume after release')
      await first.destroy()
      await expectCode(async () => second.suspend?.pause(), 'sandbox.gone', 'pause of a sandbox that has ended')
      await expectCode(async () => second.suspend?.resume(), 'sandbox.gone', 'resume of a sandbox that has ended')
    },
    suspend,
  ),
]
