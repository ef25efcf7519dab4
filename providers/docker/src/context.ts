import { createHash } from 'node:crypto'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { Readable } from 'node:stream'
import { canonicalJson, throwIfAborted } from '@ringfence/core'
import { errors } from './errors.ts'
import type { BuildSettings } from './options.ts'

const IGNORE_FILE = '.dockerignore'
/** Some archives that a build may make know no time before 1980. */
const TIME = new Date('2000-01-01T00:00:00Z')

interface Rules {
  ignores(path: string): boolean
  /** Whether something of an ignored folder may be wanted again. */
  readonly reopen: boolean
}

/** What is sent of a folder, with a digest of that and of the options of the build. */
export interface Archive {
  readonly bytes: Readable
  /** Of the bytes that were read until now. */
  digest(): string
}

/**
 * Reads a folder that an image is built from. Links are sent as links and never followed.
 *
 * @returns its digest, and what makes the archive of it: in the order of names, with one owner and one time, so that the same content has
 *   the same digest.
 * @throws `config.invalid` for a folder that is missing or cannot be read, and a Dockerfile that is not in it.
 */
export async function openContext(
  settings: BuildSettings,
  signal: AbortSignal | undefined,
): Promise<{ readonly digest: string; archive(): Archive }> {
  const { context, dockerfile } = settings
  const { pack } = await import('tar-fs')
  try {
    const root = await realpath(context)
    if (!(await isFileWithin(root, dockerfile))) throw notWithin(context, dockerfile)
    const rules = await rulesOf(root)
    const entries: string[] = []
    const walk = async (folder: string): Promise<void> => {
      throwIfAborted(signal)
      const found = await readdir(join(root, folder), { withFileTypes: true })
      for (const one of found.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = folder === '' ? one.name : `${folder}/${one.name}`
        // The engine needs these two, whatever the rules say.
        const isWanted = path === dockerfile || path === IGNORE_FILE || !rules.ignores(path)
        if (isWanted && (one.isFile() || one.isDirectory() || one.isSymbolicLink())) entries.push(path)
        if (one.isDirectory() && (isWanted || rules.reopen || dockerfile.startsWith(`${path}/`))) await walk(path)
      }
    }
    await walk('')
    const archive = (): Archive => {
      const hash = createHash('sha256').update(canonicalJson({ ...settings, context: null }))
      // Nothing is looked for below the folders among the entries.
      const packed = pack(root, {
        entries: [...entries],
        ignore: () => true,
        umask: 0,
        map: (header) => ({ ...header, uid: 0, gid: 0, mtime: TIME }),
      })
      const hashed = async function* (): AsyncGenerator<Buffer> {
        for await (const chunk of packed) {
          hash.update(chunk)
          yield chunk
        }
      }
      return { bytes: Readable.from(hashed()), digest: () => hash.digest('hex').slice(0, 32) }
    }
    const first = archive()
    for await (const _ of first.bytes) throwIfAborted(signal)
    return { digest: first.digest(), archive }
  } catch (error) {
    throwIfAborted(signal)
    throw error instanceof Error && 'errno' in error ? unreadable(context, error) : error
  }
}

/** Whether a path leads to a file of the context, whatever links are on its way. */
async function isFileWithin(root: string, path: string): Promise<boolean> {
  try {
    const real = await realpath(join(root, path))
    return real.startsWith(root.endsWith(sep) ? root : root + sep) && (await stat(real)).isFile()
  } catch {
    // It is not there, or may not be looked at: it is no file of the context then.
    return false
  }
}

async function rulesOf(root: string): Promise<Rules> {
  if (!(await isFileWithin(root, IGNORE_FILE))) return { ignores: () => false, reopen: false }
  const { default: dockerignore } = await import('@balena/dockerignore')
  const text = await readFile(join(root, IGNORE_FILE), 'utf8')
  const rules = dockerignore.default().add(text)
  return { ignores: (path) => rules.ignores(path), reopen: /^\s*!/m.test(text) }
}

const unreadable = (context: string, cause: Error): Error =>
  errors.invalid(
    'sandbox.create',
    `The build.context "${context}" cannot be read: "${cause.message}"`,
    'Name a folder that is there, with files that this process may read.',
  )

const notWithin = (context: string, dockerfile: string): Error =>
  errors.invalid(
    'sandbox.create',
    `The Dockerfile "${dockerfile}" is no file within "${context}"`,
    'Put it there, or name another with build.dockerfile.',
  )
