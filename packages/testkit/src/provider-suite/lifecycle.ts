import { type Provider, RingfenceError } from '@ringfence/core'
import type { WorkspaceEvent } from '@ringfence/workspace'
import { expectCode, expectEqual, expectReason, expectTrue } from '../assert/assert.ts'
import { facet, find } from './features.ts'
import { outlive, shortLifetime } from './lifetimes.ts'
import { engineOf, newRef, open, type ProviderRequirement, type ProviderSubject, requirement } from './subject.ts'

/** The provider, with what its sandboxes are asked before they are handed on. */
function watched({ provider }: ProviderSubject, onCreate: () => void): Provider {
  return {
    ...provider,
    async create(request, context) {
      const sandbox = await provider.create(request, context)
      onCreate()
      return sandbox
    },
  }
}

export const lifecycleRequirements: readonly ProviderRequirement[] = [
  requirement('lifecycle.use-after-destroy', 'Every call after destroy() is sandbox.closed.', async (subject, context) => {
    const workspace = await open(subject, context)
    await workspace.destroy()
    for (const call of [
      () => workspace.exec('true'),
      () => workspace.readFile('x'),
      () => workspace.writeFile('x', ''),
      () => workspace.list('.'),
      () => workspace.snapshot(),
      () => workspace.nativeSnapshot(),
      () => workspace.fork(),
      () => workspace.port(8080),
      () => workspace.pause(),
      () => workspace.resume(),
    ])
      await expectCode(call, 'sandbox.closed')
  }),
  requirement(
    'lifecycle.use-after-release',
    'Every call after release() is sandbox.closed; destroy() still ends the sandbox.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.release()
      await expectCode(workspace.exec('true'), 'sandbox.closed')
      await workspace.destroy()
      await expectCode(open(subject, context, { resume: workspace.state }), 'sandbox.gone')
    },
  ),
  requirement(
    'lifecycle.destroy-twice',
    'destroy() may be called again, also twice at once and after release().',
    async (subject, context) => {
      const workspace = await open(subject, context)
      await workspace.release()
      await Promise.all([workspace.destroy(), workspace.destroy()])
      await workspace.destroy()
      await workspace.release()
    },
  ),
  requirement('lifecycle.dispose-on-throw', '`await using` ends the sandbox, also when the block throws.', async (subject, context) => {
    let state: Awaited<ReturnType<typeof open>>['state'] | undefined
    const reason = new Error('the block throws')
    await expectReason(async () => {
      await using workspace = await engineOf(subject)({ sandbox: subject.provider, policy: subject.policy, runtime: context.runtime })
      state = workspace.state
      throw reason
    }, reason)
    await expectCode(open(subject, context, { resume: state }), 'sandbox.gone')
  }),
  requirement(
    'lifecycle.attach',
    'Another handle attaches by the state: content and variables are there, nothing is filled again.',
    async (subject, context) => {
      const manifest = { entries: { 'from-manifest': { type: 'file' as const, content: 'old' } }, env: { V: 'kept' } }
      const workspace = await open(subject, context, { manifest })
      await workspace.writeFile('from-manifest', 'changed')
      const state = JSON.parse(JSON.stringify(workspace.state))
      await workspace.release()
      const again = await open(subject, context, { manifest, resume: state })
      expectEqual((await again.exec('cat from-manifest; echo "$V"')).stdout, 'changedkept\n', 'What is there')
    },
  ),
  requirement(
    'lifecycle.failed-open-leaves-nothing',
    'When opening fails after the creation, the sandbox is destroyed and not found any more.',
    async (subject, context) => {
      const ref = newRef(context)
      const policy = { ...subject.policy }
      let created = false
      const failing = watched(subject, () => {
        created = true
        throw new RingfenceError('internal.invariant', 'The test fails the opening here')
      })
      // What is thrown between create and the engine is the provider's to clean; what comes after is the engine's.
      const abort = new AbortController()
      const reason = new Error('stopped after the creation')
      const provider = watched(subject, () => abort.abort(reason))
      await expectReason(
        engineOf(subject)({
          sandbox: provider,
          policy,
          runtime: context.runtime,
          signal: abort.signal,
          installation: ref.installation,
          runId: ref.runId,
          intentId: ref.intentId,
        }),
        reason,
      )
      expectEqual(await subject.provider.find?.(ref, context.runtime), undefined, 'What is found')
      expectTrue(!created && failing.profile.name === subject.provider.profile.name, 'The test itself')
    },
    find,
  ),
  requirement('lifecycle.aborted-open', 'Opening that is aborted before it began rejects with the reason.', async (subject, context) => {
    const reason = new Error('no')
    await expectReason(
      engineOf(subject)({ sandbox: subject.provider, policy: subject.policy, runtime: context.runtime, signal: AbortSignal.abort(reason) }),
      reason,
    )
  }),
  requirement('lifecycle.parallel', 'Four workspaces opened at once are four, and see nothing of each other.', async (subject, context) => {
    const workspaces = await Promise.all([1, 2, 3, 4].map(() => open(subject, context)))
    await Promise.all(workspaces.map((workspace, index) => workspace.writeFile(`f${index}`, String(index))))
    for (const [index, workspace] of workspaces.entries())
      expectEqual(
        (await workspace.list('.')).map(({ name }) => name),
        [`f${index}`],
        'What is there',
      )
    expectEqual(new Set(workspaces.map(({ sandboxId }) => sandboxId)).size, 4, 'The number of sandboxes')
  }),
  requirement(
    'lifecycle.lease-kept',
    'While the harness lives, a sandbox outlives its lease.',
    async (subject, context) => {
      const leaseMs = await shortLifetime(subject, context)
      const workspace = await open(subject, context, { leaseMs })
      await outlive(subject, context, leaseMs)
      expectEqual((await workspace.exec('echo alive')).stdout, 'alive\n', 'What it says')
    },
    facet('lifetime'),
  ),
  requirement(
    'lifecycle.events',
    'What happens is told in order: the creation, the content, the sandbox that is ready, each command, the end.',
    async (subject, context) => {
      const events: WorkspaceEvent[] = []
      const workspace = await open(subject, context, {
        manifest: { entries: { f: { type: 'file', content: 'x' } } },
        onEvent: (event) => events.push(event),
      })
      await workspace.exec('exit 3')
      await workspace.destroy()
      const kinds = events.map(({ type }) => type)
      expectEqual(
        kinds.filter((kind, index) => kind !== kinds[index - 1]),
        ['sandbox.creating', 'materialise', 'sandbox.ready', 'command.started', 'command.ended', 'sandbox.destroyed'],
        'The events',
      )
      const ended = events.find((event) => event.type === 'command.ended')
      expectEqual(ended?.exitCode, 3, 'The code that is told')
    },
  ),
]
