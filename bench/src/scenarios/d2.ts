import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { file } from '@ringfence/core'
import type { Bench } from '../bench.ts'
import { smallFiles } from '../data.ts'
import { keepOurs } from '../ours/open-ours.ts'
import { onThisMachine } from '../ours/providing.ts'
import { keepPeer, peerOnThisMachine } from '../peer/open-peer.ts'
import { atMostTimes, type Case, type Variant } from '../scenario.ts'
import { expect, timed } from '../timing.ts'

const ENTRIES = [10, 1000, 5000]
const NOISE = 1.3
const CONTENT = 'one more file\n'

const nameOf = (who: string, entries: number): string => `${who}, ${entries.toLocaleString('en')} entries`

async function ours(bench: Bench, entries: number): Promise<Variant> {
  const manifest = { entries: Object.fromEntries(smallFiles(entries).map(({ path, content }) => [path, file(content)])) }
  const workspace = await keepOurs(bench, onThisMachine(bench), manifest)
  let count = 0
  return {
    name: nameOf('ringfence', entries),
    role: 'ours',
    goal: entries === ENTRIES[0] ? undefined : atMostTimes(NOISE, nameOf('ringfence', ENTRIES[0] ?? 0)),
    async sample() {
      const path = `added/file-${count++}.txt`
      const ms = await timed(() => workspace.writeFile(path, CONTENT))
      expect((await workspace.readText(path)) === CONTENT, `"${path}" has another content`)
      return ms
    },
  }
}

async function peer(bench: Bench, entries: number): Promise<Variant> {
  const session = await keepPeer(bench, peerOnThisMachine, {
    entries: Object.fromEntries(smallFiles(entries).map(({ path, content }) => [path, { type: 'file' as const, content }])),
  })
  let count = 0
  return {
    name: nameOf('agents', entries),
    role: 'peer',
    async sample() {
      const path = `added/file-${count++}.txt`
      const ms = await timed(() => session.materializeEntry({ path, entry: { type: 'file', content: CONTENT } }))
      expect(Buffer.from(await session.readFile({ path })).toString() === CONTENT, `"${path}" has another content`)
      return ms
    },
  }
}

async function floor(bench: Bench): Promise<Variant> {
  const folder = await bench.newFolder('floor')
  let count = 0
  return {
    name: 'fs.writeFile',
    role: 'floor',
    async sample() {
      const path = join(folder, `file-${count++}.txt`)
      const ms = await timed(() => writeFile(path, CONTENT))
      expect(readFileSync(path, 'utf8') === CONTENT, `"${path}" has another content`)
      return ms
    },
  }
}

/** One more file in a sandbox that began with many. */
export const d2: Case = {
  id: 'd2',
  title: 'add one file',
  rounds: 40,
  quickRounds: 15,
  warmUp: 3,
  async setUp(bench) {
    const variants = [await floor(bench)]
    for (const entries of ENTRIES) variants.push(await peer(bench, entries))
    for (const entries of ENTRIES) variants.push(await ours(bench, entries))
    return variants
  },
}
