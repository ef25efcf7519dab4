import { createReadStream, createWriteStream, type ReadStream } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { localFile } from '@ringfence/core'
import type { Bench } from '../bench.ts'
import { someFile } from '../data.ts'
import { archiveOf } from '../floors/archive.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { filling } from '../floors/filling.ts'
import { outputOf, runRaw, shell } from '../floors/run-raw.ts'
import { openingOurs } from '../ours/opening.ts'
import { openingPeer } from '../peer/opening.ts'
import { atMostTimes, type Case, type Variant } from '../scenario.ts'
import { expect } from '../timing.ts'

const BYTES = 200_000_000
const NAME = 'large.bin'
const SUM = `cksum <${NAME}`
const PIECE = 262_144

function floors(bench: Bench, source: string, check: (sum: string) => void): Variant[] {
  const look = async (folder: string): Promise<void> => check(await outputOf(shell(`cd '${folder}' && ${SUM}`)))
  const read = (): ReadStream => createReadStream(source, { highWaterMark: PIECE })
  const archived = (): AsyncGenerator<Uint8Array> => archiveOf([{ path: NAME, size: BYTES, content: read() }])
  const byTar = (folder: string): Promise<void> => runRaw(bubblewrapped(folder, ['tar', '-x', '-f', '-']), { input: archived() })
  return [
    { name: 'bwrap tar -x', role: 'floor', sample: filling(bench, byTar, look) },
    {
      name: 'streamed copy, not isolated',
      role: 'reference',
      sample: filling(bench, (folder) => pipeline(read(), createWriteStream(join(folder, NAME))), look),
    },
    {
      name: 'copyFile, not isolated',
      role: 'reference',
      sample: filling(bench, (folder) => copyFile(source, join(folder, NAME)), look),
    },
  ]
}

async function variants(bench: Bench): Promise<Variant[]> {
  const source = await someFile(bench, BYTES)
  const expected = await outputOf(shell(`cksum <'${source}'`))
  const check = (sum: string): void => expect(sum === expected, `the sum is "${sum.trim()}", not "${expected.trim()}"`)
  const peerManifest = {
    entries: { [NAME]: { type: 'local_file' as const, src: source } },
    extraPathGrants: [{ path: source, readOnly: true }],
  }
  return [
    ...floors(bench, source, check),
    openingPeer(bench, peerManifest, async (session) => check((await session.exec({ cmd: SUM })).stdout)),
    openingOurs(bench, {
      manifest: { entries: { [NAME]: localFile(source) } },
      goal: atMostTimes(1.3, 'bwrap tar -x'),
      check: async (workspace) => check((await workspace.exec(SUM)).stdout),
    }),
  ]
}

/** One large file of this machine on its way in. */
export const d3: Case = {
  id: 'd3',
  title: 'a sandbox with one file of 200 MB',
  rounds: 7,
  quickRounds: 3,
  warmUp: 1,
  memory: { maxMb: 40 },
  setUp: variants,
}
