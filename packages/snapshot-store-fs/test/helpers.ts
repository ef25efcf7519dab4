import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A path for a store that is not there yet, within a folder that goes away with the test. */
export function storeDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringfence-snapshots-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'store')
}

/** Bytes as a stream. */
export async function* streamOf(...pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece)
}

/** Every path below a folder, sorted. */
export async function pathsBelow(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}

/** Starts the writer in a process of its own; it does not outlive the test. */
export function startWriter(...args: readonly string[]): ChildProcess {
  const script = fileURLToPath(new URL('fixtures/writer.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=@ringfence/source', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

/** The exit code of a process. */
export async function exitOf(child: ChildProcess): Promise<unknown> {
  const [code] = await once(child, 'exit')
  return code
}
