import type { FacetName, LimitName, NativeSnapshot, Profile } from '@ringfence/core'
import { deleteSnapshot } from '@ringfence/workspace'
import { expectCode, expectTrue } from '../assert/assert.ts'
import type { Feature } from '../suite/requirement.ts'
import { createRequest, createSandbox, expectNotCreated, newRef, open, type ProviderSubject } from './subject.ts'

type Refused = Feature<ProviderSubject>['refused']

const ceiling = (subject: ProviderSubject): Profile => subject.provider.resolve()

function feature(name: string, declared: (profile: Profile) => boolean, refused: Refused): Feature<ProviderSubject> {
  return { name, declared: (subject) => declared(ceiling(subject)), refused }
}

/** A facet that is `never` there has no member either. */
export function facet(name: FacetName): Feature<ProviderSubject> {
  return feature(
    name,
    (profile) => profile.facets[name] !== 'never',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      expectTrue(sandbox[name] === undefined, `The profile says "never" of "${name}", and the sandbox has it`)
    },
  )
}

export const liveStdin = feature(
  'wire.stdin',
  ({ wire }) => wire.stdin === 'live',
  async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    await expectCode(sandbox.spawn(['cat'], { stdin: true }), 'feature.unsupported', 'spawn with stdin')
  },
)

export const liveOutput = feature(
  'wire.delivery',
  ({ wire }) => wire.delivery === 'live',
  async (subject, context) => {
    // Nothing can be refused: the output comes at the end, and whole.
    const sandbox = await createSandbox(subject, context)
    const process = await sandbox.spawn(['echo', 'late'])
    let text = ''
    for await (const { bytes } of process.output) text += Buffer.from(bytes).toString()
    expectTrue(text === 'late\n', 'The output did not come at the end')
  },
)

export const apartStreams = feature(
  'wire.output',
  ({ wire }) => wire.output === 'bytes',
  async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    const process = await sandbox.spawn(['sh', '-c', 'echo out; echo err >&2'])
    for await (const { fd } of process.output) expectTrue(fd === 1, 'A merged wire gave a piece of fd 2')
  },
)

export const wireKill = feature(
  'wire.kill',
  ({ wire }) => wire.kill !== 'none',
  async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    const process = await sandbox.spawn(['true'])
    expectTrue(process.kill === undefined, 'The wire says that it cannot kill, and the process has `kill`')
    for await (const _ of process.output);
  },
)

export const wireUser = feature(
  'wire.user',
  ({ wire }) => wire.user,
  async (subject, context) => {
    const sandbox = await createSandbox(subject, context)
    await expectCode(sandbox.spawn(['true'], { user: 'nobody' }), 'feature.unsupported', 'spawn as another user')
  },
)

export const find = feature(
  'find',
  (profile) => profile.find !== 'none',
  async ({ provider }) => {
    expectTrue(provider.find === undefined, 'The profile says that nothing is found, and the provider has `find`')
  },
)

export const closedNetwork = feature(
  'egress: none',
  ({ egress }) => egress.tier !== 'none',
  async (subject, context) => {
    const request = createRequest(subject, context, { egress: 'none' })
    await expectCode(subject.provider.create(request, context.runtime), 'feature.unsupported', 'create with a closed network')
    await expectCode(open(subject, context, { policy: { egress: 'none' } }), 'feature.unsupported', 'openWorkspace with a closed network')
  },
)

export const openNetwork = feature(
  'egress: open',
  ({ egress }) => egress.open !== false,
  async (subject, context) => {
    await expectCode(open(subject, context, { policy: { egress: 'open' } }), 'feature.unsupported', 'openWorkspace with an open network')
  },
)

/** A limit of the sandbox that the provider enforces. */
export function limit(name: LimitName): Feature<ProviderSubject> {
  return feature(
    `limits.${name}`,
    ({ limits }) => limits.includes(name),
    async (subject, context) => {
      const request = createRequest(subject, context, { limits: { [name]: 1000 } })
      await expectCode(subject.provider.create(request, context.runtime), 'feature.unsupported', `create with the limit "${name}"`)
      const error = await expectCode(open(subject, context, { policy: { limits: { [name]: 1000 } } }), 'feature.unsupported')
      expectTrue(error.message.includes(name), 'The refusal does not name the limit')
      if (subject.provider.find) {
        const found = await subject.provider.find(newRef(context), context.runtime)
        expectTrue(found === undefined, 'A refused creation left something')
      }
    },
  )
}

export const nonRootUser = feature(
  'user: non-root',
  ({ user }) => user === 'non-root',
  async () => {
    // A provider whose commands run as root says so in its profile; there is no call to refuse.
  },
)

const noSnapshot = ({ provider }: ProviderSubject): NativeSnapshot => ({ provider: provider.profile.name, id: 'none', data: {} })

/** Snapshots of the provider itself. */
export const ownSnapshots = feature(
  'snapshot',
  ({ facets }) => facets.snapshot !== 'never',
  async (subject, context) => {
    await expectNotCreated(subject, context, { from: noSnapshot(subject) }, 'feature.unsupported', 'create with `from`')
    expectTrue(subject.provider.deleteSnapshot === undefined, 'The profile says "never" of "snapshot", and there is `deleteSnapshot`')
    await facet('snapshot').refused(subject, context)
  },
)

/** The same, as the engine hands them on. */
export const engineSnapshots = feature(
  'snapshot',
  ({ facets }) => facets.snapshot !== 'never',
  async (subject, context) => {
    const workspace = await open(subject, context)
    await expectCode(workspace.nativeSnapshot(), 'feature.unsupported', 'nativeSnapshot')
    await expectCode(open(subject, context, { from: noSnapshot(subject) }), 'feature.unsupported', 'openWorkspace with a native snapshot')
    await expectCode(deleteSnapshot(subject.provider, noSnapshot(subject)), 'feature.unsupported', 'deleteSnapshot')
  },
)

/** Forks without a snapshot store. */
export const ownForks = feature(
  'snapshot',
  ({ facets }) => facets.snapshot !== 'never',
  async (subject, context) => {
    const workspace = await open(subject, context)
    await expectCode(workspace.fork(), 'config.invalid', 'fork without a store')
  },
)

/** A sandbox that is paused through the engine. */
export const enginePause = feature(
  'suspend',
  ({ facets }) => facets.suspend !== 'never',
  async (subject, context) => {
    const workspace = await open(subject, context)
    await expectCode(workspace.pause(), 'feature.unsupported', 'pause')
    await expectCode(workspace.resume(), 'feature.unsupported', 'resume')
    expectTrue((await workspace.exec('echo on')).stdout === 'on\n', 'It does not run on')
  },
)

/** Ports need input and output that are live. */
export const ports = feature(
  'wire.stdin',
  ({ wire }) => wire.stdin === 'live' && wire.delivery === 'live',
  async (subject, context) => {
    const workspace = await open(subject, context)
    await expectCode(workspace.port(8080), 'feature.unsupported', 'port')
  },
)
