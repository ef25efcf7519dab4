import { createReadStream, type ReadStream } from 'node:fs'
import { localFile } from '@ringfence/core'
import type { Bench } from '../../bench.ts'
import { someFile } from '../../data.ts'
import { archiveOf } from '../../floors/archive.ts'
import { outputOf, shell } from '../../floors/run-raw.ts'
import { openingOurs } from '../../ours/opening.ts'
import type { Providing } from '../../ours/providing.ts'
import type { Peering } from '../../peer/open-peer.ts'
import { openingPeer } from '../../peer/opening.ts'
import type { Goal, Variant } from '../../scenario.ts'
import { expect } from '../../timing.ts'

const BYTES = 200_000_000
const PIECE = 262_144
export const NAME = 'large.bin'
/** Prints a sum of what came. */
export const SUM = `cksum <${NAME}`

/** One file of this machine that is put into sandboxes. */
export interface LargeFileIn {
  readonly source: string
  read(): ReadStream
  archived(): AsyncGenerator<Uint8Array>
  /** Looks at what {@link SUM} printed. */
  check(sum: string): void
  peer(peering: Peering): Variant
  ours(providing: Providing, goal: Goal): Variant
}

export async function largeFileIn(bench: Bench): Promise<LargeFileIn> {
  const source = await someFile(bench, BYTES)
  const expected = await outputOf(shell(`cksum <'${source}'`))
  const check = (sum: string): void => expect(sum === expected, `the sum is "${sum.trim()}", not "${expected.trim()}"`)
  const read = (): ReadStream => createReadStream(source, { highWaterMark: PIECE })
  const peerManifest = {
    entries: { [NAME]: { type: 'local_file' as const, src: source } },
    extraPathGrants: [{ path: source, readOnly: true }],
  }
  const manifest = { entries: { [NAME]: localFile(source) } }
  return {
    source,
    read,
    archived: () => archiveOf([{ path: NAME, size: BYTES, content: read() }]),
    check,
    peer: (peering) => openingPeer(bench, peering, peerManifest, async (session) => check((await session.exec({ cmd: SUM })).stdout)),
    ours: (providing, goal) =>
      openingOurs(bench, { providing, manifest, goal, check: async (workspace) => check((await workspace.exec(SUM)).stdout) }),
  }
}
