import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from './engine/serve-engine.ts'

/** How a run is made. */
export interface BenchSettings {
  /** Fewer rounds and smaller sizes. */
  readonly quick: boolean
  /** Where its folders are made: all variants write to this file system. */
  readonly folder: string
  /** Ends the run after the sample that is under way. */
  readonly signal: AbortSignal
  /** There for cases that need one. */
  readonly engine?: Engine | undefined
}

/** What a case works with: a folder that goes away, and what is undone at its end. */
export interface Bench {
  /** Fewer rounds and smaller sizes. */
  readonly quick: boolean
  /** A folder of this case; everything that is written lies below it. */
  readonly folder: string
  /** A new empty folder below it. */
  newFolder(name: string): Promise<string>
  readonly signal: AbortSignal
  readonly engine: Engine | undefined
  /** Undone at the end, last first. */
  defer(undo: () => Promise<void>): void
  /** Everything below the folder and all that was deferred is gone after it. Idempotent. */
  close(): Promise<void>
}

export async function openBench({ quick, folder: parent, signal, engine }: BenchSettings): Promise<Bench> {
  signal.throwIfAborted()
  const folder = await mkdtemp(join(parent, 'ringfence-bench-'))
  // The users of the sandboxes, which are not root, must get through.
  await chmod(folder, 0o711)
  const undo: (() => Promise<void>)[] = []
  let count = 0
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    for (let next = undo.pop(); next; next = undo.pop()) {
      await next().catch((error: unknown) => console.error(`A part of the clean-up failed: ${String(error)}`))
    }
    await rm(folder, { recursive: true, force: true })
  }

  return {
    quick,
    folder,
    signal,
    engine,
    async newFolder(name) {
      const path = join(folder, `${name}-${count++}`)
      await mkdir(path)
      await chmod(path, 0o711)
      return path
    },
    defer: (next) => void undo.push(next),
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** The engine of a case that needs one. */
export function engineOf({ engine }: Bench): Engine {
  if (!engine) throw new Error('A case that works with an engine does not say that it needs one')
  return engine
}
