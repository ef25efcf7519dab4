import { type CreateProgress, ISOLATION_LEVELS, type Profile } from '@ringfence/core'
import { expectBytes, expectCode, expectEqual, expectReason, expectTrue } from '../assert/assert.ts'
import { find } from './features.ts'
import { createRequest, createSandbox, eitherWay, finish, newRef, type ProviderRequirement, requirement, sh } from './subject.ts'

function expectAtMost(lower: Profile, ceiling: Profile): void {
  expectEqual(lower.name, ceiling.name, 'The name')
  expectTrue(
    ISOLATION_LEVELS.indexOf(lower.isolation) <= ISOLATION_LEVELS.indexOf(ceiling.isolation),
    `The isolation "${lower.isolation}" is above the ceiling "${ceiling.isolation}"`,
  )
  for (const [name, level] of Object.entries(lower.facets)) {
    const most = Object.entries(ceiling.facets).find(([one]) => one === name)?.[1] ?? 'never'
    // What varies may be always there with these options.
    expectTrue(most !== 'never' || level === 'never', `The facet "${name}" is never there by its ceiling`)
  }
  for (const name of lower.limits) expectTrue(ceiling.limits.includes(name), `The limit "${name}" is not in the ceiling`)
}

export const contractRequirements: readonly ProviderRequirement[] = [
  requirement('contract.profile.plain-data', 'The profile is plain data: JSON gives it back as it is.', async ({ provider }) => {
    expectEqual(JSON.parse(JSON.stringify(provider.profile)), provider.profile, 'The profile')
    expectEqual(provider.specificationVersion, 'provider-v1', 'The version of the contract')
  }),
  requirement(
    'contract.profile.ceiling',
    'What options give, and what comes, is never above the static profile.',
    async (subject, context) => {
      const { provider } = subject
      expectAtMost(provider.resolve(), provider.profile)
      const sandbox = await createSandbox(subject, context)
      expectAtMost(sandbox.profile, provider.resolve())
      for (const [name, level] of Object.entries(sandbox.profile.facets)) {
        if (level === 'always')
          expectTrue(
            name in sandbox && Object.entries(sandbox).some(([key, value]) => key === name && value !== undefined),
            `"${name}" is declared and missing`,
          )
      }
    },
  ),
  requirement(
    'contract.create.workspace',
    'The workspace is an absolute path inside, empty, writable and outside of the control directory.',
    async (subject, context) => {
      const { info, ...sandbox } = await createSandbox(subject, context)
      expectTrue(info.workspace.startsWith('/'), `The workspace "${info.workspace}" is not absolute`)
      const control = info.controlDirectory ?? '/nowhere'
      expectTrue(!`${control}/`.startsWith(`${info.workspace}/`), 'The control directory lies in the workspace')
      const script =
        'cd -- "$1" && [ -z "$(ls -A)" ] && : > probe && rm probe && { [ "$2" = /nowhere ] || { : > "$2/probe" && rm "$2/probe"; }; }'
      const { code, stderr } = await finish(await sandbox.spawn(['sh', '-c', script, 'sh', info.workspace, control]))
      expectEqual(code, 0, `The exit code of the look into it (${stderr.toString()})`)
    },
  ),
  requirement('contract.create.idempotent', 'One intent made twice at once gives one sandbox.', async (subject, context) => {
    const request = createRequest(subject, context)
    const made = await Promise.allSettled([
      subject.provider.create(request, context.runtime),
      subject.provider.create(request, context.runtime),
    ])
    for (const result of made) if (result.status === 'fulfilled') context.defer(() => result.value.destroy())
    const ids = made.flatMap((result) => (result.status === 'fulfilled' ? [result.value.info.id] : []))
    expectTrue(ids.length > 0, 'Neither creation succeeded')
    expectEqual(new Set(ids).size, 1, 'The number of sandboxes')
  }),
  requirement(
    'contract.create.aborted',
    'A creation that was aborted rejects with the reason and leaves nothing.',
    async (subject, context) => {
      const reason = new Error('no longer wanted')
      const request = createRequest(subject, context, { signal: AbortSignal.abort(reason) })
      await expectReason(subject.provider.create(request, context.runtime), reason)
      if (subject.provider.find) expectEqual(await subject.provider.find(request.ref, context.runtime), undefined, 'What is found')
    },
  ),
  requirement(
    'contract.create.progress',
    'What is told of a long creation is well-formed; who throws at it ends the creation, and nothing is left.',
    async (subject, context) => {
      const { provider } = subject
      const told: CreateProgress[] = []
      await createSandbox(subject, context, { onProgress: (progress) => told.push(progress) })
      for (const { stage, message, fraction = 0 } of told) {
        expectTrue(stage === 'pulling' || stage === 'building', `The stage "${String(stage)}" is none`)
        expectTrue(
          typeof message === 'string' && fraction >= 0 && fraction <= 1,
          `${JSON.stringify(message)} at ${fraction} is no progress`,
        )
      }
      const reason = new Error('no more of it')
      let asked = false
      const request = createRequest(subject, context, {
        onProgress() {
          asked = true
          throw reason
        },
      })
      const made = createSandbox(subject, context, request)
      await eitherWay(made)
      if (!asked) return
      await expectReason(made, reason)
      expectEqual(await provider.find?.(request.ref, context.runtime), undefined, 'What is found')
    },
  ),
  requirement(
    'contract.create.bad-request',
    'A reference that is not path-safe and a lifetime that is none are refused before anything is made.',
    async (subject, context) => {
      const { provider } = subject
      const ref = { ...newRef(context), runId: '../up' }
      await expectCode(provider.create(createRequest(subject, context, { ref }), context.runtime), 'config.invalid', 'A reference with "/"')
      for (const lifetimeMs of [0, -1, Number.NaN]) {
        await expectCode(
          provider.create(createRequest(subject, context, { lifetimeMs }), context.runtime),
          'config.invalid',
          `A lifetime of ${lifetimeMs}`,
        )
      }
    },
  ),
  requirement(
    'contract.create.isolation-refused',
    'A stronger isolation than there is is refused before anything is made.',
    async (subject, context) => {
      const { isolation } = subject.provider.resolve()
      const stronger = ISOLATION_LEVELS[ISOLATION_LEVELS.indexOf(isolation) + 1]
      if (!stronger) return
      await expectCode(
        subject.provider.create(createRequest(subject, context, { isolation: stronger }), context.runtime),
        'feature.unsupported',
      )
    },
  ),
  requirement('contract.state.json', 'The state is JSON without an endpoint, and names the provider.', async (subject, context) => {
    const { state } = await createSandbox(subject, context)
    expectEqual(JSON.parse(JSON.stringify(state)), state, 'The state')
    expectEqual(state.provider, subject.provider.profile.name, 'The provider of the state')
    expectTrue(!JSON.stringify(state).includes('://'), 'The state names an endpoint')
  }),
  requirement(
    'contract.resume.same',
    'Resuming by the state attaches to the same sandbox, also after a release.',
    async (subject, context) => {
      const first = await createSandbox(subject, context)
      await sh(first, 'echo kept > "$1/file"', first.info.workspace)
      const state = JSON.parse(JSON.stringify(first.state))
      await first.release()
      const second = await subject.provider.resume(state, { lifetimeMs: 60_000, signal: context.signal }, context.runtime)
      context.defer(() => second.destroy())
      expectEqual((await sh(second, 'cat "$1/file"', second.info.workspace)).stdout.toString(), 'kept\n', 'The content')
      expectEqual(second.info.id, first.info.id, 'The id')
    },
  ),
  requirement('contract.resume.gone', 'Resuming what was destroyed is sandbox.gone: it is never built anew.', async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    await sandbox.destroy()
    await expectCode(subject.provider.resume(sandbox.state, { lifetimeMs: 60_000 }, context.runtime), 'sandbox.gone')
  }),
  requirement(
    'contract.resume.replaced',
    'A sandbox of the same intent that was made later is not taken for the one of the state.',
    async (subject, context) => {
      const request = createRequest(subject, context)
      const first = await createSandbox(subject, context, request)
      await first.destroy()
      await createSandbox(subject, context, request)
      await expectCode(subject.provider.resume(first.state, { lifetimeMs: 60_000 }, context.runtime), 'sandbox.gone')
    },
  ),
  requirement(
    'contract.find',
    'A sandbox is found by its reference while it lives, and only by that.',
    async (subject, context) => {
      const { provider } = subject
      const request = createRequest(subject, context)
      expectEqual(await provider.find?.(request.ref, context.runtime), undefined, 'What is found before')
      const sandbox = await createSandbox(subject, context, request)
      expectEqual((await provider.find?.(request.ref, context.runtime))?.id, sandbox.state.id, 'The id that is found')
      expectEqual(await provider.find?.(newRef(context), context.runtime), undefined, 'What another reference finds')
      await sandbox.destroy()
      expectEqual(await provider.find?.(request.ref, context.runtime), undefined, 'What is found after')
    },
    find,
  ),
  requirement(
    'contract.release.closes',
    'After release() calls are sandbox.closed; it may be called again, and destroy() still ends the sandbox.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      await sandbox.release()
      await sandbox.release()
      await expectCode(sandbox.spawn(['true']), 'sandbox.closed')
      await sandbox.destroy()
      await expectCode(subject.provider.resume(sandbox.state, { lifetimeMs: 60_000 }, context.runtime), 'sandbox.gone')
    },
  ),
  requirement(
    'contract.destroy.idempotent',
    'destroy() may be called twice at once and again; later calls are sandbox.closed.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      await Promise.all([sandbox.destroy(), sandbox.destroy()])
      await sandbox.destroy()
      await expectCode(sandbox.spawn(['true']), 'sandbox.closed')
    },
  ),
  requirement(
    'contract.destroy.ends-processes',
    'destroy() ends what runs: the process never comes to its end by itself.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      const process = await sandbox.spawn(['sh', '-c', 'sleep 600'])
      await sandbox.destroy()
      // Reading it ends, one way or the other; that it never does is told by the deadline.
      expectTrue((await eitherWay(finish(process)))?.code !== 0, 'The process ended well after its sandbox was destroyed')
    },
  ),
  requirement('contract.apart', 'Two sandboxes do not see each other: neither files nor processes.', async (subject, context) => {
    const [one, two] = await Promise.all([createSandbox(subject, context), createSandbox(subject, context)])
    await sh(one, 'echo secret-of-one > "$1/file"', one.info.workspace)
    const seen = await sh(two, 'ls -A "$1"', two.info.workspace)
    expectBytes(seen.stdout, Buffer.alloc(0), 'What the second sees in its workspace')
  }),
]
