import type { Bench } from '../../bench.ts'
import { keepContainer, openRaw } from '../../engine/open-raw.ts'
import { archiveOf } from '../../floors/archive.ts'
import { shell } from '../../floors/run-raw.ts'
import { NAME, pieces } from './file-contents.ts'
import { FOLDER } from './raw-filling.ts'

const HEADER_BYTES = 512

/** One file in a container, by what an engine has for files and by `cat` in it. */
export interface RawFile {
  getArchive(size: number): Promise<Uint8Array>
  readByCat(): Promise<Uint8Array>
  putArchive(bytes: Buffer): Promise<void>
  writeByCat(bytes: Buffer): Promise<void>
  remove(): Promise<void>
}

export async function rawFile(bench: Bench): Promise<RawFile> {
  const engine = openRaw(bench)
  const id = await keepContainer(bench, engine)
  const path = `${FOLDER}/${NAME}`
  return {
    getArchive: async (size) => (await engine.get(id, path)).subarray(HEADER_BYTES, HEADER_BYTES + size),
    async readByCat() {
      const chunks: Buffer[] = []
      await engine.exec(id, ['cat', path], { onOutput: (bytes) => void chunks.push(bytes) })
      return Buffer.concat(chunks)
    },
    putArchive: (bytes) => engine.put(id, FOLDER, archiveOf([{ path: NAME, size: bytes.length, content: pieces(bytes) }])),
    writeByCat: (bytes) => engine.exec(id, shell(`cat >'${path}'`), { input: pieces(bytes) }),
    remove: () => engine.exec(id, ['rm', path]),
  }
}
