import { isRingfenceError } from '@ringfence/core'
import {
  compareTrees,
  type Member,
  type PackMember,
  readArchive,
  type TreeBuilder,
  type TreeDigest,
  treeBuilder,
  treeDigestOf,
  unpack,
  watchStream,
  writeArchive,
} from '../archive/index.ts'
import { fsError } from '../files/fs-error.ts'
import { type Excludes, excludesOf } from './excludes.ts'
import { readWalk } from './read-walk.ts'
import { corrupt, differs } from './snapshot-errors.ts'
import type { RestoreSnapshotOptions, SnapshotFormat, TakeSnapshotOptions } from './snapshot-options.ts'
import type { SnapshotRef } from './snapshot-ref.ts'
import { CLEAR } from './walk-script.ts'

async function* observed(members: AsyncIterable<Member>, tree: TreeBuilder): AsyncGenerator<PackMember> {
  for await (const member of members) yield tree.observe(member)
}

/** Runs something under a signal that ends with it, so that no stream of the sandbox is left behind. */
async function within<T>(signal: AbortSignal | undefined, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  try {
    return await body(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal)
  } finally {
    stop.abort()
  }
}

/** Written anew on the way into the store, so that a stored archive has one form, whatever tar made it. */
async function take({ shell, root, store, exclude, clock, limits, signal, onLeftOut }: TakeSnapshotOptions): Promise<SnapshotRef> {
  const excludes = excludesOf(exclude)
  const tree = treeBuilder()
  let complete = true
  const onSpecial = (path: string): void => {
    complete = false
    onLeftOut?.(path)
  }
  return within(signal, async (inner) => {
    const archive = watchStream(writeArchive(observed(readWalk({ shell, root, excludes, clock, limits, signal: inner, onSpecial }), tree)))
    const { digest } = await store
      .put(archive.chunks, { signal: inner })
      .catch((error: unknown) => {
        throw archive.failed ? archive.failed.error : error
      })
      .finally(() => archive.chunks.return(undefined))
    return { format: 'tar-1', id: digest, treeDigest: tree.finish().digest, roots: ['.'], excludes: excludes.paths, complete }
  })
}

/** The members of a stored archive. At its end the tree must be the one that the reference names. */
async function* storedMembers(
  { store, ref, clock, limits, signal }: RestoreSnapshotOptions,
  tree: TreeBuilder,
): AsyncGenerator<PackMember> {
  try {
    for await (const member of readArchive(store.get(ref.id, { signal }), { clock, limits, signal })) {
      yield tree.observe(member)
    }
  } catch (error) {
    throw isRingfenceError(error, 'archive.invalid') ? corrupt(ref.id, error.message, error) : error
  }
  if (tree.finish().digest !== ref.treeDigest) throw corrupt(ref.id, 'its tree does not have the digest that it names')
}

async function* kept(members: AsyncIterable<PackMember>, excludes: Excludes): AsyncGenerator<PackMember> {
  for await (const member of members) {
    if (!excludes.has(member.path)) yield member
    // Read all the same: its digest is a part of the tree's.
    else if (member.content && !(member.content instanceof Uint8Array)) for await (const _ of member.content);
  }
}

async function treeInside({ shell, root, clock, limits, signal }: RestoreSnapshotOptions, excludes: Excludes): Promise<TreeDigest> {
  const tree = treeBuilder()
  await within(signal, async (inner) => {
    for await (const member of readWalk({ shell, root, excludes, clock, limits, signal: inner })) await tree.absorb(member)
  })
  return tree.finish()
}

async function restore(options: RestoreSnapshotOptions): Promise<void> {
  const { shell, root, ref, exclude = [], signal } = options
  const own = excludesOf(exclude)
  const all = excludesOf([...exclude, ...ref.excludes])
  const keep = `//${[...all.paths, ...all.above.map((path) => path.slice(1))].join('//')}//`
  const cleared = await shell.run(CLEAR, [root, keep, ...all.above], { signal })
  if (cleared.code !== 0) throw fsError('snapshot.restore', root, cleared)
  const tree = treeBuilder()
  await unpack({
    shell,
    root,
    members: (inner) => kept(storedMembers({ ...options, signal: inner }, tree), own),
    operation: 'snapshot.restore',
    signal,
  })
  const expected = treeDigestOf(tree.finish().entries.filter(({ path }) => !all.has(Buffer.from(path, 'latin1'))))
  const comparison = compareTrees(expected, await treeInside(options, all))
  if (!comparison.equal) throw differs(ref.id, comparison)
}

/** One plain archive of the whole workspace, in the GNU format, without owners. */
export const tarFormat: SnapshotFormat = { take, restore }
