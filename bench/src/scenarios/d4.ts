import { localDir } from '@ringfence/core'
import type { Bench } from '../bench.ts'
import { smallFiles, writeSmallFiles } from '../data.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { filling } from '../floors/filling.ts'
import { runRaw, shell } from '../floors/run-raw.ts'
import { openingOurs } from '../ours/opening.ts'
import { onThisMachine } from '../ours/providing.ts'
import { peerOnThisMachine } from '../peer/open-peer.ts'
import { openingPeer } from '../peer/opening.ts'
import { atMostTimes, type Case, type Variant } from '../scenario.ts'
import { expect } from '../timing.ts'

const FILES = 5000
const LIST = 'find . -type f | wc -l'

function floors(bench: Bench, source: string): Variant[] {
  const look = (folder: string): Promise<void> => runRaw(shell(`diff -r '${source}' '${folder}'`))
  const byCopy = (folder: string): Promise<void> => runRaw(['cp', '-a', `${source}/.`, folder])
  const byTar = (folder: string): Promise<void> => {
    const inside = bubblewrapped(folder, ['tar', '-x', '-f', '-']).map((word) => `'${word}'`)
    return runRaw(shell(`tar -c -C '${source}' . | ${inside.join(' ')}`))
  }
  return [
    { name: 'cp -a, not isolated', role: 'floor', sample: filling(bench, byCopy, look) },
    { name: 'tar -c into bwrap tar -x', role: 'reference', sample: filling(bench, byTar, look) },
  ]
}

async function variants(bench: Bench): Promise<Variant[]> {
  const source = await bench.newFolder('source')
  const files = smallFiles(FILES)
  const last = files.at(-1) ?? { path: '', content: '' }
  await writeSmallFiles(source, files)
  const checkCount = (listed: string): void => expect(Number(listed) === FILES, `${listed.trim()} files of ${FILES} came`)
  const peerManifest = {
    entries: { repo: { type: 'local_dir' as const, src: source } },
    extraPathGrants: [{ path: source, readOnly: true }],
  }
  return [
    ...floors(bench, source),
    openingPeer(bench, peerOnThisMachine, peerManifest, async (session) => checkCount((await session.exec({ cmd: LIST })).stdout)),
    openingOurs(bench, {
      providing: onThisMachine,
      manifest: { entries: { repo: localDir(source) } },
      goal: atMostTimes(0.7, 'cp -a, not isolated'),
      async check(workspace) {
        checkCount((await workspace.exec(LIST)).stdout)
        expect((await workspace.readText(`repo/${last.path}`)) === last.content, `"${last.path}" has another content`)
      },
    }),
  ]
}

/** A folder of this machine on its way in. */
export const d4: Case = {
  id: 'd4',
  title: 'a sandbox with a folder of 5,000 files of 1 KiB',
  rounds: 6,
  quickRounds: 2,
  warmUp: 1,
  setUp: variants,
}
