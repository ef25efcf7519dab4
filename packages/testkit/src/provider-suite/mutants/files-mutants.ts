import { RingfenceError } from '@ringfence/core'
import { eitherWay } from '../subject.ts'
import { type ProviderMutant, workspace } from './mutate.ts'

const silent = async (work: Promise<void>): Promise<void> => {
  await eitherWay(work)
}

const files: readonly ProviderMutant[] = [
  workspace('read-as-text', ['files.round-trip', 'files.large'], (real) => ({
    readFile: async (path, options) => Buffer.from(Buffer.from(await real.readFile(path, options)).toString('utf8')),
    async *readStream(path, options) {
      for await (const chunk of real.readStream(path, options)) yield Buffer.from(Buffer.from(chunk).toString('utf8'))
    },
  })),
  workspace('empty-is-missing', ['files.empty'], (real) => ({
    readFile: async (path, options) => {
      const bytes = await real.readFile(path, options)
      return bytes.length === 0 ? Buffer.from('\n') : bytes
    },
  })),
  workspace('missing-is-empty', ['files.missing', 'paths.link-cycle', 'errors.branded'], () => ({
    readFile: async () => new Uint8Array(),
    list: async () => [],
    attach: async () => Promise.reject(new TypeError('plain')),
  })),
  workspace('parents-not-made', ['files.parents'], (real) => ({
    writeFile: async (path, data, options) => {
      if (path.includes('/') && !(await eitherWay(real.stat(path.slice(0, path.lastIndexOf('/'))))))
        throw new RingfenceError('fs.not-found', `The parent of "${path}" is missing`)
      await real.writeFile(path, data, options)
    },
  })),
  workspace('write-appends', ['files.overwrite', 'files.failed-write'], (real) => ({
    writeFile: async (path, data, options) => {
      const before = (await eitherWay(real.readFile(path))) ?? new Uint8Array()
      const chunks: Uint8Array[] = [before]
      try {
        if (typeof data === 'string' || data instanceof Uint8Array) chunks.push(Buffer.from(data))
        else for await (const chunk of data) chunks.push(chunk)
      } finally {
        await real.writeFile(path, Buffer.concat(chunks), options)
      }
    },
  })),
  workspace('mode-ignored', ['files.mode', 'files.overwrite'], (real) => ({
    writeFile: (path, data, options) => real.writeFile(path, data, { ...options, mode: 0o640 }),
  })),
  workspace('max-bytes-ignored', ['files.max-bytes'], (real) => ({
    readFile: (path, options) => real.readFile(path, { ...options, maxBytes: undefined }),
  })),
  workspace('directory-errors-untyped', ['files.is-directory'], (real) => ({
    readFile: async (path, options) => {
      try {
        return await real.readFile(path, options)
      } catch {
        throw new RingfenceError('fs.failed', 'Something failed in the sandbox')
      }
    },
  })),
  workspace('list-hides', ['files.list', 'files.list.many'], (real) => ({
    list: async (path, options) => (await real.list(path, options)).filter(({ name }) => !name.startsWith('.')).slice(0, 1000),
  })),
  workspace('stat-follows', ['files.stat'], (real) => ({
    stat: async (path, options) => (path === 'link' ? real.stat('f', options) : real.stat(path, options)),
  })),
  workspace('remove-always-recursive', ['files.remove'], (real) => ({
    remove: (path, options) => real.remove(path, { ...options, recursive: true, force: true }),
  })),
  workspace('mkdir-swallows', ['files.mkdir'], (real) => ({ mkdir: (path, options) => silent(real.mkdir(path, options)) })),
  workspace('rename-copies', ['files.rename'], (real) => ({ rename: async (from, to) => real.writeFile(to, await real.readFile(from)) })),
  workspace('denied-is-empty', ['files.denied'], (real) => ({
    readFile: async (path, options) => (await eitherWay(real.readFile(path, options))) ?? new Uint8Array(),
    writeFile: (path, data, options) => silent(real.writeFile(path, data, options)),
  })),
  workspace('reads-mixed', ['files.parallel'], (real) => ({
    readText: (path, options) => real.readText(path === 'f7' ? 'f8' : path, options),
  })),
  workspace('stream-left-open', ['files.read-stream'], (real) => {
    let left = false
    return {
      async *readStream(path, options) {
        if (left) throw new RingfenceError('fs.failed', 'The channel is still busy')
        left = true
        yield* real.readStream(path, options)
      },
    }
  }),
]

/** Every path is taken, whatever it is: the last part of it. */
const careless = (path: string): string =>
  path
    .split('\0')
    .join('')
    .split('/')
    .filter((part) => part !== '..' && part !== '')
    .at(-1) ?? '.'

const paths: readonly ProviderMutant[] = [
  workspace(
    'paths-cleaned-instead-of-refused',
    ['paths.dotdot-refused', 'paths.absolute-outside-refused', 'paths.invalid-refused', 'errors.effect-none'],
    (real) => ({
      readFile: async (path, options) => (await eitherWay(real.readFile(careless(path), options))) ?? new Uint8Array(),
    }),
  ),
  workspace('absolute-always-refused', ['paths.absolute-inside'], (real) => ({
    writeFile: async (path, data, options) => {
      if (path.startsWith('/')) throw new RingfenceError('path.escapes-workspace', 'Absolute paths are refused')
      await real.writeFile(path, data, options)
    },
  })),
  workspace(
    'links-followed-out',
    ['paths.link-out.read', 'paths.link-out.write', 'paths.link-out.remove', 'paths.link-out.rename', 'paths.swapped'],
    (real) => ({
      readFile: async (path) => Buffer.from((await real.exec(['cat', '--', path])).stdout),
      readText: async (path) =>
        (await real.exec(['cat', '--', path])).stdout || Promise.reject(new RingfenceError('fs.not-found', 'Nothing was read')),
      writeFile: async (path, data) =>
        void (await real.exec(['sh', '-c', 'cat > "$1"', 'sh', path], { stdin: typeof data === 'string' ? data : '' })),
      remove: async (path) => void (await real.exec(['rm', '-rf', '--', path])),
      rename: async (from, to) => void (await real.exec(['mv', '--', from, to])),
    }),
  ),
  workspace('links-never-followed', ['paths.link-inside'], (real) => ({
    readText: async (path, options) => {
      if ((await real.stat(path))?.type === 'symlink') throw new RingfenceError('path.escapes-workspace', 'Links are refused')
      return real.readText(path, options)
    },
  })),
  workspace('names-trimmed', ['paths.odd-names', 'manifest.odd-names'], (real) => ({
    readText: (path, options) => real.readText(path.trim().replaceAll('\n', ' '), options),
  })),
]

export const filesMutants: readonly ProviderMutant[] = [...files, ...paths]
