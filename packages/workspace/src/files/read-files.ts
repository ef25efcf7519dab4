import { type FileOptions, type FileStat, type ListEntry, type ReadOptions, RingfenceError, throwIfAborted } from '@ringfence/core'
import type { ScriptOptions, ScriptResult } from '../shell/sandbox-shell.ts'
import type { Files, OpenFilesOptions } from './files.ts'
import { asTooLarge, fsError, tooLarge } from './fs-error.ts'
import { parseStats } from './parse-stat.ts'
import { LIST, READ, READ_SOME, SOME_BYTES, STAT_PATH } from './read-scripts.ts'
import { CODE } from './script-codes.ts'
import { workspaceRelative } from './workspace-relative.ts'

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
/** Of a directory; about a million entries. */
const MAX_LIST_BYTES = 256 * 1024 * 1024

function statsOf(operation: string, path: string, { stdout }: ScriptResult): ListEntry[] {
  const entries = parseStats(stdout)
  if (entries) return entries
  throw new RingfenceError('fs.failed', `"${operation}" of "${path}" failed: the "stat" inside answered in an unknown form`, {
    operation,
    hint: 'Use an image with coreutils or busybox.',
    effect: 'none',
  })
}

/** Splits the line with the code off a stream; the rest is the file. */
async function* afterCode(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (!head) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf(0x0a)
    if (end < 0) continue
    const code = Number(head.toString('latin1', 0, end))
    if (code !== 0) throw fsError('readStream', path, { code, stderr: '' })
    if (end + 1 < head.length) yield head.subarray(end + 1)
    head = undefined
  }
  if (head) throw fsError('readStream', path, { code: 1, stderr: 'its answer was cut' })
}

/** The part of {@link Files} that changes nothing. */
export function readFiles({ shell, root }: OpenFilesOptions): Pick<Files, 'readFile' | 'readText' | 'readStream' | 'list' | 'stat'> {
  /** How a file is opened here; the first read finds it out. */
  let way: 'dd' | 'plain' | '' = ''

  /** What `dd` reads at once may be all of it. */
  async function readAll(relative: string, options: ScriptOptions): Promise<ScriptResult> {
    if (way === 'dd') {
      const some = await shell.run(READ_SOME, [root, relative], { ...options, quick: true })
      if (some.code !== 0 || some.stdout.length < SOME_BYTES) return some
    }
    return shell.run(READ, [root, relative, way, ''], options)
  }

  async function readFile(path: string, { signal, maxBytes = DEFAULT_MAX_BYTES }: ReadOptions = {}): Promise<Uint8Array> {
    throwIfAborted(signal)
    const relative = workspaceRelative(root, path)
    let result: ScriptResult
    try {
      result = await readAll(relative, { signal, maxBytes })
    } catch (error) {
      throw asTooLarge(error, 'readFile', path, maxBytes)
    }
    if (result.code !== 0 && result.code !== CODE.readPlainly) throw fsError('readFile', path, result)
    if (result.stdout.length > maxBytes) throw tooLarge('readFile', path, maxBytes)
    way ||= result.code === 0 ? 'dd' : 'plain'
    return result.stdout
  }

  async function* readStream(path: string, { signal, maxBytes = Number.POSITIVE_INFINITY }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    throwIfAborted(signal)
    const relative = workspaceRelative(root, path)
    let bytes = 0
    for await (const chunk of afterCode(shell.stream(READ, [root, relative, way, '1'], { signal }), path)) {
      bytes += chunk.length
      if (bytes > maxBytes) throw tooLarge('readStream', path, maxBytes)
      yield chunk
    }
  }

  async function list(path: string, { signal }: FileOptions = {}): Promise<readonly ListEntry[]> {
    throwIfAborted(signal)
    const result = await shell.run(LIST, [root, workspaceRelative(root, path)], { signal, maxBytes: MAX_LIST_BYTES })
    if (result.code !== 0) throw fsError('list', path, result)
    return statsOf('list', path, result).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  }

  async function stat(path: string, { signal }: FileOptions = {}): Promise<FileStat | undefined> {
    throwIfAborted(signal)
    const result = await shell.run(STAT_PATH, [root, workspaceRelative(root, path)], { signal, quick: true })
    if (result.code === CODE.notFound) return undefined
    if (result.code !== 0) throw fsError('stat', path, result)
    const [found] = statsOf('stat', path, result)
    if (!found) return undefined
    const { type, size, mode, modifiedAt } = found
    return { type, size, mode, modifiedAt }
  }

  return {
    readFile,
    readStream,
    list,
    stat,
    async readText(path, options) {
      const bytes = await readFile(path, options)
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    },
  }
}
