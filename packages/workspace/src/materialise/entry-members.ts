import { resolve } from 'node:path'
import { type Clock, type Entry, type EntryOf, throwIfAborted } from '@ringfence/core'
import { type PackMember, packMember } from '../archive/index.ts'
import { freshRepository } from './git-fresh.ts'
import { openWorkshop } from './git-source.ts'
import { gitTree } from './git-tree.ts'
import type { LeftOutList } from './left-out.ts'
import { localFileMember } from './local-file.ts'
import { localTree } from './local-tree.ts'

export interface EntryContext {
  readonly clock: Clock
  readonly leftOut: LeftOutList
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_FILE_MODE = 0o644
const DEFAULT_DIRECTORY_MODE = 0o755

async function* repository(
  path: string,
  { source, ref, mode = DEFAULT_DIRECTORY_MODE }: EntryOf<'gitRepo'>,
  context: EntryContext,
): AsyncGenerator<PackMember> {
  const { leftOut, signal } = context
  const workshop = await openWorkshop(source, ref, signal)
  try {
    const fresh = await freshRepository(workshop, path, signal)
    const modifiedAt = fresh.committedAt
    if (path !== '') yield packMember(path, 'directory', { mode, modifiedAt })
    yield* gitTree({ gitDir: workshop.gitDir, commit: workshop.commit, target: path, modifiedAt, leftOut, signal })
    yield* fresh.members()
  } finally {
    await workshop.dispose()
  }
}

/** The members that one entry of a manifest becomes. */
export async function* entryMembers(path: string, entry: Entry, context: EntryContext): AsyncGenerator<PackMember> {
  const { clock, leftOut, signal } = context
  throwIfAborted(signal)
  const modifiedAt = Math.floor(clock.now() / 1000)
  switch (entry.type) {
    case 'file': {
      const content = typeof entry.content === 'string' ? Buffer.from(entry.content) : Buffer.from(entry.content.base64, 'base64')
      yield packMember(path, 'file', { mode: entry.mode ?? DEFAULT_FILE_MODE, modifiedAt, size: content.length, content })
      return
    }
    case 'dir':
      if (path !== '') yield packMember(path, 'directory', { mode: entry.mode ?? DEFAULT_DIRECTORY_MODE, modifiedAt })
      return
    case 'localFile':
      yield localFileMember(resolve(entry.source), { target: path, mode: entry.mode })
      return
    case 'localDir':
      yield* localTree({ source: entry.source, target: path, mode: entry.mode, gitignore: entry.gitignore ?? true, leftOut, signal })
      return
    case 'gitRepo':
      yield* repository(path, entry, context)
  }
}
