import { RingfenceError, systemRandom, throwIfAborted, type WriteOptions } from '@ringfence/core'
import { watchStream } from '../archive/watch-stream.ts'
import { printfFormat } from '../shell/printf-format.ts'
import type { ScriptOptions } from '../shell/sandbox-shell.ts'
import type { Routine } from '../shell/script.ts'
import type { Files, OpenFilesOptions } from './files.ts'
import { fsError } from './fs-error.ts'
import { gather } from './gather.ts'
import { CODE } from './script-codes.ts'
import { belowWorkspace, workspaceRelative } from './workspace-relative.ts'
import { COMMIT_PUT, DROP_PUT, MKDIR, PUT, REMOVE, RENAME, WRITE } from './write-scripts.ts'

const DEFAULT_FILE_MODE = 0o644
const DEFAULT_DIRECTORY_MODE = 0o755
/** Content that has at most this many characters as a format of `printf` travels in the request itself. */
const MAX_INLINE = 48 * 1024
/** A stream of at most this many bytes is written in one request. */
const MAX_GATHERED_BYTES = 256 * 1024

const octal = (mode: number): string => (mode & 0o777).toString(8)

function checkMode(mode: number): void {
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777)
    throw new RingfenceError('config.invalid', `The mode "${mode}" is none: 0 to 0o777 are possible`, {
      hint: 'Correct the mode.',
      effect: 'none',
    })
}

/** What the scripts for writing need to know of a mode: itself, its umask, and whether it takes a `chmod`. */
const modeArgs = (mode: number): readonly string[] => [octal(mode), octal(0o777 & ~mode), mode & 0o111 ? '1' : '']

/** The part of {@link Files} that changes the tree. */
export function writeFiles(options: OpenFilesOptions): Pick<Files, 'writeFile' | 'remove' | 'mkdir' | 'rename'> {
  const { shell, root, random = systemRandom } = options
  /** How the mode of a file is copied here; the first file that is written over finds it out. */
  let how: 'chmod' | 'stat' = 'chmod'

  async function change(operation: string, path: string, script: Routine, args: readonly string[], given: ScriptOptions): Promise<void> {
    throwIfAborted(given.signal)
    const result = await shell.run(script, [root, ...args], given)
    if (result.code === CODE.modeByStat) how = 'stat'
    else if (result.code !== 0) throw fsError(operation, path, result)
  }

  async function writeWhole(
    path: string,
    relative: string,
    data: Uint8Array,
    mode: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const token = Buffer.from(random.bytes(12)).toString('hex')
    const target = [relative, token, ...modeArgs(mode)]
    const format = inlineFormat(data, mode)
    if (format !== undefined) return change('writeFile', path, WRITE, [...target, 'format', how, format], { signal, quick: true })
    await change('writeFile', path, WRITE, [...target, 'stdin', how, String(data.length)], { signal, stdin: data })
  }

  /** Two requests: only the harness knows whether a stream has ended well, and a cut one is never committed. */
  async function writeStream(
    path: string,
    relative: string,
    data: AsyncIterable<Uint8Array>,
    mode: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const token = Buffer.from(random.bytes(12)).toString('hex')
    const source = watchStream(data)
    try {
      await change('writeFile', path, PUT, [relative, token, ...modeArgs(mode), 'stdin', how, ''], { signal, stdin: source.chunks })
      if (source.failed) throw source.failed.error
      if (!source.ended) throw fsError('writeFile', path, { code: CODE.cut, stderr: '' })
    } catch (error) {
      // A source that hangs holds its return as well, so that nobody waits for it.
      source.chunks.return(undefined).catch(() => undefined)
      // The sandbox may be gone as well; the first error is the one to tell.
      await shell.run(DROP_PUT, [root, relative, token]).catch(() => undefined)
      throw source.failed ? source.failed.error : error
    }
    await change('writeFile', path, COMMIT_PUT, [relative, token, String(source.bytes)], { signal })
  }

  return {
    async writeFile(path, data, { mode = DEFAULT_FILE_MODE, signal }: WriteOptions = {}) {
      throwIfAborted(signal)
      checkMode(mode)
      const relative = belowWorkspace(root, path, 'written as a file')
      const gathered = await gather(data, MAX_GATHERED_BYTES, signal)
      if (gathered instanceof Uint8Array) await writeWhole(path, relative, gathered, mode, signal)
      else await writeStream(path, relative, gathered, mode, signal)
    },
    async remove(path, { recursive = false, force = false, signal } = {}) {
      await change('remove', path, REMOVE, [belowWorkspace(root, path, 'removed'), recursive ? '1' : '', force ? '1' : ''], { signal })
    },
    async mkdir(path, { mode = DEFAULT_DIRECTORY_MODE, signal } = {}) {
      checkMode(mode)
      await change('mkdir', path, MKDIR, [workspaceRelative(root, path), octal(mode)], { signal })
    },
    async rename(from, to, { signal } = {}) {
      await change('rename', from, RENAME, [belowWorkspace(root, from, 'renamed'), belowWorkspace(root, to, 'replaced')], { signal })
    },
  }
}

/** Content that can be an argument. What others may not read never is one: arguments can be seen. */
function inlineFormat(data: Uint8Array, mode: number): string | undefined {
  if (data.length > MAX_INLINE || (mode & 0o077) === 0) return undefined
  const format = printfFormat(data)
  return format.length > MAX_INLINE ? undefined : format
}
