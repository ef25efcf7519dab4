import { lstatSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type PackMember, packMember } from '../archive/index.ts'
import { git } from './git-run.ts'
import type { Workshop } from './git-source.ts'
import { localFileMember } from './local-file.ts'

const IDENTITY = 'Ringfence'
const EMAIL = 'ringfence@localhost'
const BRANCH = 'main'

/** What a fresh repository of one commit is made of. */
export interface FreshRepository {
  /** Seconds since 1970: when the source was committed. Everything made here has that time, so that it is always the same. */
  readonly committedAt: number
  /** The members of `.git`. */
  members(): AsyncGenerator<PackMember>
}

/** The time of a commit, in seconds and with its zone as git writes it. */
function committerTime(commit: Buffer): { seconds: number; written: string } {
  const match = /^committer .* (\d+) ([+-]\d{4})$/m.exec(commit.toString('latin1'))
  return match ? { seconds: Number(match[1]), written: `${match[1]} ${match[2]}` } : { seconds: 0, written: '0 +0000' }
}

/**
 * Makes a repository with the tree of a commit as its only commit: no history, no remote, no configuration, no hook, no credential. It is
 * made here by git's own plumbing, so that it also goes into an image without git.
 *
 * @param target where its work tree goes; empty for the workspace itself.
 */
export async function freshRepository({ gitDir, commit }: Workshop, target: string, signal?: AbortSignal): Promise<FreshRepository> {
  const { seconds, written } = committerTime(await git(['cat-file', 'commit', commit], { gitDir, signal }))
  const env = {
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: IDENTITY,
    GIT_AUTHOR_EMAIL: EMAIL,
    GIT_AUTHOR_DATE: written,
    GIT_COMMITTER_NAME: IDENTITY,
    GIT_COMMITTER_EMAIL: EMAIL,
    GIT_COMMITTER_DATE: written,
    GIT_INDEX_FILE: join(gitDir, 'fresh-index'),
  }
  const options = { gitDir, env, signal }
  const made = (await git(['commit-tree', '-m', `Workspace at ${commit}`, `${commit}^{tree}`], options)).toString().trim()
  await git(['read-tree', made], options)
  // Deltas that are there are used again; looking for new ones costs more than it saves.
  await git(['pack-objects', '--quiet', '--revs', '--window=0', '--threads=1', join(gitDir, 'fresh')], { ...options, stdin: `${made}\n` })
  const packs = (await readdir(gitDir)).filter((name) => /^fresh-[0-9a-f]+\.(pack|idx)$/.test(name)).sort()

  async function* members(): AsyncGenerator<PackMember> {
    const base = target === '' ? '.git' : `${target}/.git`
    const text = (path: string, content: string): PackMember =>
      packMember(`${base}/${path}`, 'file', { mode: 0o644, modifiedAt: seconds, size: content.length, content: Buffer.from(content) })
    for (const folder of ['', '/objects', '/objects/info', '/objects/pack', '/refs', '/refs/heads', '/refs/tags'])
      yield packMember(`${base}${folder}`, 'directory', { mode: 0o755, modifiedAt: seconds })
    yield text('HEAD', `ref: refs/heads/${BRANCH}\n`)
    yield text(`refs/heads/${BRANCH}`, `${made}\n`)
    for (const name of packs) {
      const member = localFileMember(join(gitDir, name), { target: `${base}/objects/pack/${name.replace('fresh-', 'pack-')}`, mode: 0o444 })
      yield { ...member, modifiedAt: seconds }
    }
    const index = join(gitDir, 'fresh-index')
    if (lstatSync(index, { throwIfNoEntry: false }))
      yield { ...localFileMember(index, { target: `${base}/index`, mode: 0o644 }), modifiedAt: seconds }
  }
  return { committedAt: seconds, members }
}
