import { RingfenceError, systemRandom, throwIfAborted, type WriteOptions } from '@ringfence/core'
import { watchStream } from '../archive/watch-stream.ts'
import type { ScriptOptions } from '../shell/sandbox-shell.ts'
import type { Files, OpenFilesOptions } from './files.ts'
import { fsError } from './fs-error.ts'
import { gather } from './gather.ts'
import { CODE } from './script-codes.ts'
import { belowWorkspace, workspaceRelative } from './workspace-relative.ts'
import { COMMIT_PUT, DROP_PUT, MKDIR, PUT, REMOVE, RENAME, WRITE, withGuard } from './write-scripts.ts'

const DEFAULT_FILE_MODE = 0o644
const DEFAULT_DIRECTORY_MODE = 0o755
/** Text of at most this many bytes travels in the request itself. */
const MAX_INLINE_BYTES = 32 * 1024
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

/** The part of {@link Files} that changes the tree. */
export function writeFiles(options: OpenFilesOptions): Pick<Files, 'writeFile' | 'remove' | 'mkdir' | 'rename'> {
  const { shell, root, claim, random = systemRandom } = options

  /** Runs a script that changes something, behind the fence. */
  async function change(operation: string, path: string, script: string, args: readonly string[], given: ScriptOptions): Promise<void> {
    throwIfAborted(given.signal)
    const result = await shell.run(withGuard(script, claim?.()), [root, ...args], given)
    if (result.code !== 0) throw fsError(operation, path, result)
  }

  /** What the scripts for writing need to know of modes: the mode, its umask, and at the end whether `chmod` is needed. */
  function modeArgs(mode: number): { readonly mode: string; readonly umask: string; readonly chmod: string } {
    // A file is made with 0666 less the umask, so that execute bits alone need a process of their own.
    return { mode: octal(mode), umask: octal(0o777 & ~mode), chmod: mode & 0o111 ? '1' : '' }
  }

  async function writeWhole(
    path: string,
    relative: string,
    data: Uint8Array,
    mode: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const token = Buffer.from(random.bytes(12)).toString('hex')
    const { mode: bits, umask, chmod } = modeArgs(mode)
    const text = inlineText(data, mode)
    if (text !== undefined) return change('writeFile', path, WRITE, [relative, token, bits, umask, 'text', text, chmod], { signal })
    await change('writeFile', path, WRITE, [relative, token, bits, umask, 'stdin', String(data.length), chmod], { signal, stdin: data })
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
    const { mode: bits, umask, chmod } = modeArgs(mode)
    const source = watchStream(data)
    try {
      await change('writeFile', path, PUT, [relative, token, bits, umask, 'stdin', '', chmod], { signal, stdin: source.chunks })
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
function inlineText(data: Uint8Array, mode: number): string | undefined {
  if (data.length > MAX_INLINE_BYTES || (mode & 0o077) === 0) return undefined
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (bytes.includes(0)) return undefined
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : undefined
}
