import type { NativeSnapshot, Sandbox } from '@ringfence/core'
import { expectCode, expectEqual, expectReason, expectTrue } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { ownSnapshots } from './features.ts'
import type { ProviderSubject } from './subject.ts'
import { createSandbox, expectNotCreated, finish, type ProviderRequirement, requirement, sh, until } from './subject.ts'
import { ODD_TREE, TREE } from './trees.ts'

/** A word in the arguments of a process, by which it is found among all. */
export const MARK = 'conformance-mark-5d20'
/** What is put where it must not stay, or must. */
export const MARK_FILE = 'conformance-file-5d20'

/** Directories outside of the workspace $1 in which files are kept, not only in memory. */
const OUTSIDE = `for d in "$HOME" /var/tmp; do
  [ -d "$d" ] && [ -w "$d" ] && [ "$d" != / ] && [ "$d" != "$1" ] && [ "$(stat -f -c %T "$d")" != tmpfs ] && printf '%s\\n' "$d"
done; exit 0`

const SEEN = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\000' '\\n'`

/** Takes a snapshot that is given up at the end. */
async function take({ provider }: ProviderSubject, context: RequirementContext, sandbox: Sandbox): Promise<NativeSnapshot> {
  expectTrue(sandbox.snapshot !== undefined, 'The profile declares "snapshot", and the sandbox has none')
  const snapshot = await sandbox.snapshot.take({ signal: context.signal })
  context.defer(async () => provider.deleteSnapshot?.(snapshot, context.runtime))
  return snapshot
}

/** A sandbox with a file, and a snapshot of it. */
async function kept(subject: ProviderSubject, context: RequirementContext): Promise<{ source: Sandbox; snapshot: NativeSnapshot }> {
  const source = await createSandbox(subject, context)
  await write(source, 'kept')
  return { source, snapshot: await take(subject, context, source) }
}

const write = (sandbox: Sandbox, text: string): Promise<unknown> => sh(sandbox, 'echo "$2" > "$1/file"', sandbox.info.workspace, text)

const read = async (sandbox: Sandbox): Promise<string> => (await sh(sandbox, 'cat "$1/file"', sandbox.info.workspace)).stdout.toString()

/** The same id with other letters and digits at its end, so that it may be one as well as it could. */
function otherId(id: string): string {
  const kinds = ['0123456789', 'abcdef', 'ghijklmnopqrstuvwxyz']
  const other = (letter: string): string => {
    const kind = kinds.find((letters) => letters.includes(letter)) ?? ''
    return kind.at(-1 - kind.indexOf(letter)) ?? letter
  }
  return id.slice(0, -8) + [...id.slice(-8)].map(other).join('')
}

const content: readonly ProviderRequirement[] = [
  requirement(
    'contract.snapshot.workspace',
    'What is in the workspace comes back as it was: content, execute bits, links, empty folders, odd names.',
    async (subject, context) => {
      const source = await createSandbox(subject, context)
      const treeOf = async (sandbox: Sandbox): Promise<string> =>
        (await sh(sandbox, `cd -- "$1" && ${TREE}`, sandbox.info.workspace)).stdout.toString()
      await sh(source, `cd -- "$1" && ${ODD_TREE}`, source.info.workspace)
      const tree = await treeOf(source)
      expectTrue(tree.includes('L ./dangling -> nowhere'), 'The tree is not told')
      const copy = await createSandbox(subject, context, { from: await take(subject, context, source) })
      expectEqual(await treeOf(copy), tree, 'The tree')
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.outside',
    'What the default user has put outside of the workspace comes back as well, where it is no file in memory.',
    async (subject, context) => {
      const source = await createSandbox(subject, context)
      // Without isolation the outside is the machine itself.
      if (source.profile.isolation === 'none') return
      const places = (await sh(source, OUTSIDE, source.info.workspace)).stdout.toString().split('\n').filter(Boolean)
      for (const place of places)
        await sh(source, 'mkdir "$1/$2" && echo "echo tool" > "$1/$2/tool" && chmod 750 "$1/$2/tool"', place, MARK_FILE)
      const copy = await createSandbox(subject, context, { from: await take(subject, context, source) })
      for (const place of places) {
        const { stdout } = await sh(copy, 'stat -c %a "$1/$2/tool"; sh "$1/$2/tool"', place, MARK_FILE)
        expectEqual(stdout.toString(), '750\ntool\n', `What is in "${place}"`)
      }
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.processes',
    'What ran in the source does not run in a sandbox made of its snapshot.',
    async (subject, context) => {
      const source = await createSandbox(subject, context)
      const { workspace } = source.info
      const process = await source.spawn(['sh', '-c', ': > "$1/runs"; while [ ! -e "$1/stop" ]; do sleep 0.1; done', MARK, workspace])
      await until(context, 'the process runs', async () => (await sh(source, '[ -e "$1/runs" ]', workspace)).code === 0)
      const seenIn = async (sandbox: Sandbox): Promise<boolean> => (await sh(sandbox, SEEN)).stdout.includes(MARK)
      if (source.profile.wire.pids === 'shared') expectTrue(await seenIn(source), 'The process is not seen where it runs')
      const copy = await createSandbox(subject, context, { from: await take(subject, context, source) })
      expectTrue(!(await seenIn(copy)), 'The process runs in the new sandbox')
      await sh(source, ': > "$1/stop"', workspace)
      expectEqual((await finish(process)).code, 0, 'How the process of the source ended')
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.moment',
    'The source goes on, and what changes in it later is not in the snapshot.',
    async (subject, context) => {
      const { source, snapshot } = await kept(subject, context)
      await write(source, 'later')
      const copy = await createSandbox(subject, context, { from: snapshot })
      expectEqual([await read(copy), await read(source)], ['kept\n', 'later\n'], 'The contents of the copy and of the source')
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.independent',
    'Two sandboxes made of one snapshot are two, and see nothing of each other.',
    async (subject, context) => {
      const { snapshot: from } = await kept(subject, context)
      const [one, two] = await Promise.all([createSandbox(subject, context, { from }), createSandbox(subject, context, { from })])
      await write(one, 'changed')
      expectEqual([await read(one), await read(two)], ['changed\n', 'kept\n'], 'The contents')
      expectTrue(one.info.id !== two.info.id, 'Both have one id')
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.control',
    'Nothing of the control directory of the source is in that of a sandbox made of its snapshot, which can be written to.',
    async (subject, context) => {
      const source = await createSandbox(subject, context)
      const { controlDirectory } = source.info
      // Without one there is none to keep apart: the engine makes its own for each life.
      if (controlDirectory === undefined) return
      await sh(source, ': > "$1/$2"', controlDirectory, MARK_FILE)
      const copy = await createSandbox(subject, context, { from: await take(subject, context, source) })
      const script = 'ls -A "$1"; : > "$1/$2" || echo "not written"'
      const { stdout } = await sh(copy, script, copy.info.controlDirectory ?? '', MARK_FILE)
      expectEqual(stdout.toString(), '', 'What is there')
    },
    ownSnapshots,
  ),
]

const keeping: readonly ProviderRequirement[] = [
  requirement(
    'contract.snapshot.json',
    'A snapshot is JSON without an endpoint and without content, names the provider, and is restored from that JSON.',
    async (subject, context) => {
      const { snapshot } = await kept(subject, context)
      const json = JSON.stringify(snapshot)
      expectEqual(JSON.parse(json), snapshot, 'The snapshot')
      expectEqual(snapshot.provider, subject.provider.profile.name, 'The provider of the snapshot')
      expectTrue(!json.includes('://'), 'The snapshot names an endpoint')
      expectTrue(json.length < 8192, `The snapshot is a text of ${json.length} letters: it holds more than its name`)
      expectEqual(await read(await createSandbox(subject, context, { from: JSON.parse(json) })), 'kept\n', 'The content')
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.other-provider',
    'A snapshot of another provider is config.invalid, and nothing is made.',
    async (subject, context) => {
      const { snapshot } = await kept(subject, context)
      const from = { ...snapshot, provider: 'conformance-other' }
      await expectNotCreated(subject, context, { from }, 'config.invalid', 'create from a snapshot of another provider')
      await expectCode(async () => subject.provider.deleteSnapshot?.(from, context.runtime), 'config.invalid', 'deleteSnapshot of another')
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.not-found',
    'A snapshot that never was is snapshot.not-found, and nothing is made; giving it up is no error.',
    async (subject, context) => {
      const { snapshot } = await kept(subject, context)
      const from = { ...snapshot, id: otherId(snapshot.id) }
      await expectNotCreated(subject, context, { from }, 'snapshot.not-found', 'create from an unknown snapshot')
      await subject.provider.deleteSnapshot?.(from, context.runtime)
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.deleted',
    'A snapshot that was given up is snapshot.not-found; giving it up twice is no error, and sandboxes made of it go on.',
    async (subject, context) => {
      const { provider } = subject
      expectTrue(provider.deleteSnapshot !== undefined, 'The profile declares "snapshot", and there is no `deleteSnapshot`')
      const { source, snapshot: from } = await kept(subject, context)
      const copy = await createSandbox(subject, context, { from })
      await provider.deleteSnapshot(from, context.runtime)
      await provider.deleteSnapshot(JSON.parse(JSON.stringify(from)), context.runtime)
      await expectNotCreated(subject, context, { from }, 'snapshot.not-found', 'create from a snapshot that was given up')
      await write(copy, 'goes on')
      expectEqual([await read(copy), await read(source)], ['goes on\n', 'kept\n'], 'The contents of the copy and of the source')
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.of-the-copy',
    'A sandbox made of a snapshot can be kept in turn, and outlives the first snapshot and its source.',
    async (subject, context) => {
      const { source, snapshot } = await kept(subject, context)
      const copy = await createSandbox(subject, context, { from: snapshot })
      await sh(copy, 'echo second > "$1/second"', copy.info.workspace)
      const from = await take(subject, context, copy)
      await Promise.all([source.destroy(), copy.destroy()])
      await subject.provider.deleteSnapshot?.(snapshot, context.runtime)
      const last = await createSandbox(subject, context, { from })
      const { stdout } = await sh(last, 'cat "$1/file" "$1/second"', last.info.workspace)
      expectEqual(stdout.toString(), 'kept\nsecond\n', 'The content')
    },
    ownSnapshots,
  ),
  requirement(
    'contract.snapshot.closed',
    'Of a released handle a snapshot is sandbox.closed, of a sandbox that has ended sandbox.gone; an aborted one rejects with the reason.',
    async (subject, context) => {
      const first = await createSandbox(subject, context)
      const second = await subject.provider.resume(first.state, { lifetimeMs: 60_000, signal: context.signal }, context.runtime)
      context.defer(() => second.destroy())
      const reason = new Error('not now')
      await expectReason(async () => second.snapshot?.take({ signal: AbortSignal.abort(reason) }), reason, 'take')
      await first.release()
      await expectCode(async () => first.snapshot?.take(), 'sandbox.closed', 'take after release')
      await first.destroy()
      await expectCode(async () => second.snapshot?.take(), 'sandbox.gone', 'take of a sandbox that has ended')
    },
    ownSnapshots,
  ),
]

export const snapshotRequirements: readonly ProviderRequirement[] = [...content, ...keeping]
