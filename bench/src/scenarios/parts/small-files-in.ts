import { file } from '@ringfence/core'
import type { Bench } from '../../bench.ts'
import { type SmallFile, smallFiles } from '../../data.ts'
import { archiveOf } from '../../floors/archive.ts'
import { openingOurs } from '../../ours/opening.ts'
import type { Providing } from '../../ours/providing.ts'
import type { Peering } from '../../peer/open-peer.ts'
import { openingPeer } from '../../peer/opening.ts'
import type { Goal, Variant } from '../../scenario.ts'
import { expect } from '../../timing.ts'

/** Prints how many files there are. */
export const LIST = 'find . -type f | wc -l'

/** A set of files that is put into sandboxes. */
export interface SmallFilesIn {
  readonly files: readonly SmallFile[]
  archived(): AsyncGenerator<Uint8Array>
  /** Looks at what {@link LIST} printed. */
  checkCount(listed: string): void
  peer(bench: Bench, peering: Peering): Variant
  ours(bench: Bench, providing: Providing, goal: Goal): Variant
}

export function smallFilesIn(count: number): SmallFilesIn {
  const files = smallFiles(count)
  const last = files.at(-1) ?? { path: '', content: '' }
  const checkCount = (listed: string): void => expect(Number(listed) === count, `${listed.trim()} files of ${count} came`)
  const peerEntries = Object.fromEntries(files.map(({ path, content }) => [path, { type: 'file' as const, content }]))
  const manifest = { entries: Object.fromEntries(files.map(({ path, content }) => [path, file(content)])) }
  return {
    files,
    archived: () => archiveOf(files.map(({ path, content }) => ({ path, size: content.length, content: [Buffer.from(content)] }))),
    checkCount,
    peer: (bench, peering) =>
      openingPeer(bench, peering, { entries: peerEntries }, async (session) => checkCount((await session.exec({ cmd: LIST })).stdout)),
    ours: (bench, providing, goal) =>
      openingOurs(bench, {
        providing,
        manifest,
        goal,
        async check(workspace) {
          checkCount((await workspace.exec(LIST)).stdout)
          expect((await workspace.readText(last.path)) === last.content, `"${last.path}" has another content`)
        },
      }),
  }
}
