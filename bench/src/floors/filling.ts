import { rm } from 'node:fs/promises'
import type { Bench } from '../bench.ts'
import { timed } from '../timing.ts'

/** A sample that fills a new folder; the look at what came and its removal are not counted. */
export function filling(
  bench: Bench,
  fill: (folder: string) => Promise<void>,
  check: (folder: string) => Promise<void>,
): () => Promise<number> {
  return async () => {
    let folder = ''
    const ms = await timed(async () => {
      folder = await bench.newFolder('filled')
      await fill(folder)
    })
    await check(folder)
    await rm(folder, { recursive: true })
    return ms
  }
}
