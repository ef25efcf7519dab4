import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Bench } from './bench.ts'

/** A file of a set. */
export interface SmallFile {
  readonly path: string
  readonly content: string
}

const KILOBYTE = 1024
const FILES_OF_A_FOLDER = 100

/** Files of 1 KiB in folders of a hundred, each with a content of its own. */
export function smallFiles(count: number): SmallFile[] {
  return Array.from({ length: count }, (_, index) => ({
    path: `src/part-${Math.floor(index / FILES_OF_A_FOLDER)}/file-${index}.txt`,
    content: textOf(index),
  }))
}

function textOf(index: number): string {
  const line = `line of file ${index}: ${createHash('sha256').update(String(index)).digest('hex')}\n`
  return line.repeat(Math.ceil(KILOBYTE / line.length)).slice(0, KILOBYTE)
}

/** Writes a set into a folder of this machine. */
export async function writeSmallFiles(folder: string, files: readonly SmallFile[]): Promise<void> {
  for (const parent of new Set(files.map(({ path }) => dirname(path)))) await mkdir(join(folder, parent), { recursive: true })
  for (const { path, content } of files) await writeFile(join(folder, path), content)
}

/** Bytes that do not compress away, the same in each run. */
export function someBytes(length: number): Buffer {
  return Buffer.concat([...somePieces(length)], length)
}

/** The same, piece by piece. */
function* somePieces(length: number): Generator<Buffer> {
  const seed = Buffer.alloc(1_048_576)
  for (let at = 0; at < seed.length; at += 32) createHash('sha256').update(String(at)).digest().copy(seed, at)
  for (let at = 0; at < length; at += seed.length) yield seed.subarray(0, length - at)
}

/** A file of this machine with such bytes, which are never all in memory. */
export async function someFile(bench: Bench, length: number): Promise<string> {
  const path = join(await bench.newFolder('source'), 'large.bin')
  await pipeline(Readable.from(somePieces(length)), createWriteStream(path))
  return path
}
