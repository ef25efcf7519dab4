import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { file } from '@ringfence/core'
import type { Bench } from '../bench.ts'
import { type SmallFile, smallFiles } from '../data.ts'
import { archiveOf } from '../floors/archive.ts'
import { bubblewrapped } from '../floors/bubblewrap.ts'
import { filling } from '../floors/filling.ts'
import { outputOf, runRaw, shell } from '../floors/run-raw.ts'
import { openingOurs } from '../ours/opening.ts'
import { openingPeer } from '../peer/opening.ts'
import { atMostTimes, type Case, type Variant } from '../scenario.ts'
import { expect } from '../timing.ts'

const LIST = 'find . -type f | wc -l'
const TAR = ['tar', '-x', '-f', '-']

function archived(files: readonly SmallFile[]): AsyncGenerator<Uint8Array> {
  return archiveOf(files.map(({ path, content }) => ({ path, size: content.length, content: [Buffer.from(content)] })))
}

function floors(bench: Bench, files: readonly SmallFile[], check: (listed: string) => void): Variant[] {
  const look = async (folder: string): Promise<void> => check(await outputOf(shell(`cd '${folder}' && ${LIST}`)))
  const byTar = (folder: string): Promise<void> => runRaw(TAR, { cwd: folder, input: archived(files) })
  const inBubblewrap = (folder: string): Promise<void> => runRaw(bubblewrapped(folder, TAR), { input: archived(files) })
  const byNode = async (folder: string): Promise<void> => {
    for (const parent of new Set(files.map(({ path }) => dirname(path)))) mkdirSync(join(folder, parent), { recursive: true })
    for (const { path, content } of files) writeFileSync(join(folder, path), content)
  }
  return [
    { name: 'bwrap tar -x', role: 'floor', sample: filling(bench, inBubblewrap, look) },
    { name: 'tar -x, not isolated', role: 'reference', sample: filling(bench, byTar, look) },
    { name: 'writeFileSync, not isolated', role: 'reference', sample: filling(bench, byNode, look) },
  ]
}

async function variants(bench: Bench, count: number): Promise<Variant[]> {
  const files = smallFiles(count)
  const last = files.at(-1) ?? { path: '', content: '' }
  const checkCount = (listed: string): void => expect(Number(listed) === count, `${listed.trim()} files of ${count} came`)
  const ours = openingOurs(bench, {
    manifest: { entries: Object.fromEntries(files.map(({ path, content }) => [path, file(content)])) },
    goal: atMostTimes(1.3, 'bwrap tar -x'),
    async check(workspace) {
      checkCount((await workspace.exec(LIST)).stdout)
      expect((await workspace.readText(last.path)) === last.content, `"${last.path}" has another content`)
    },
  })
  const entries = Object.fromEntries(files.map(({ path, content }) => [path, { type: 'file' as const, content }]))
  const peer = openingPeer(bench, { entries }, async (session) => checkCount((await session.exec({ cmd: LIST })).stdout))
  return [...floors(bench, files, checkCount), peer, ours]
}

function caseOf(count: number, rounds: number, quickRounds: number): Case {
  const title = `a sandbox with ${count.toLocaleString('en')} files of 1 KiB`
  return { id: 'd1', title, rounds, quickRounds, warmUp: 1, setUp: (bench) => variants(bench, count) }
}

/** Many small files on their way in, from the first call to a sandbox that can be used. */
export const d1: readonly Case[] = [caseOf(100, 20, 8), caseOf(2000, 8, 3), caseOf(10_000, 3, 1)]
