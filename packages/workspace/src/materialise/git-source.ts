import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isRingfenceError, RingfenceError } from '@ringfence/core'
import { type GitOptions, git, gitFailed, withoutCredentials } from './git-run.ts'
import { sourceNotFound } from './source-error.ts'

/** Where a repository is: a folder of this machine, or a URL. */
type Place = { readonly kind: 'path'; readonly path: string; readonly options: GitOptions } | { readonly kind: 'url'; readonly url: string }

const SOURCE_REF = 'refs/ringfence/source'
const COMMIT = /^[0-9a-f]{7,64}$/

function checkRef(source: string, ref: string | undefined): void {
  if (ref !== undefined && (/^[-+:^]/.test(ref) || /[\x00-\x20~^:?*[\\]|\.\.|@\{/.test(ref)))
    throw new RingfenceError(
      'config.invalid',
      `The ref "${ref}" of "${withoutCredentials(source)}" is not the name of a branch, a tag or a commit`,
      {
        hint: 'Name one as git lists it.',
        effect: 'none',
      },
    )
}

function placeOf(source: string): Place {
  if (/^(https?|ssh|git):\/\//i.test(source) || /^[\w.-]+@[\w.-]+:[^:]/.test(source)) return { kind: 'url', url: source }
  const isFileUrl = /^file:\/\//i.test(source)
  if (!isFileUrl && /^[a-z][a-z0-9+.-]*:/i.test(source))
    throw gitFailed(`The source "${source}" uses a transport that is not allowed`, 'Use https, ssh, git, file or a path.')
  const path = resolve(isFileUrl ? fileURLToPath(source) : source)
  if (!existsSync(path)) throw sourceNotFound(source)
  // A folder that merely lies within another repository is not meant.
  const env = { GIT_CEILING_DIRECTORIES: dirname(path) }
  if (existsSync(join(path, '.git'))) return { kind: 'path', path, options: { cwd: path, env } }
  if (existsSync(join(path, 'HEAD')) && existsSync(join(path, 'objects'))) return { kind: 'path', path, options: { gitDir: path, env } }
  throw gitFailed(`"${source}" is no git repository`, 'Use `localDir` for a folder without one, or run "git init" and commit.')
}

/** A commit of a local repository, and where its objects lie. */
async function resolveLocal(source: string, options: GitOptions, ref: string | undefined): Promise<{ commit: string; objects: string }> {
  const about = (await git(['rev-parse', '--path-format=absolute', '--show-object-format', '--git-path', 'objects'], options)).toString()
  const [format = '', ...lines] = about.replace(/\n$/, '').split('\n')
  if (format !== 'sha1') throw gitFailed(`"${source}" uses the object format "${format}"`, 'Only "sha1" is supported.')
  const found = await git(['rev-parse', '--quiet', '--verify', `${ref ?? 'HEAD'}^{commit}`], options).catch((cause: unknown) => {
    options.signal?.throwIfAborted()
    throw ref === undefined
      ? gitFailed(`"${source}" has no commit`, 'Commit something first, or use `localDir`.', cause)
      : gitFailed(`"${source}" has no commit under the ref "${ref}"`, 'Name a branch, a tag or a commit that is there.', cause)
  })
  return { commit: found.toString().trim(), objects: lines.join('\n') }
}

async function checkRemote(url: string, ref: string | undefined, signal: AbortSignal | undefined): Promise<void> {
  const isCommit = ref !== undefined && COMMIT.test(ref)
  const wanted = ref === undefined || isCommit ? ['HEAD'] : [ref]
  const listed = (await git(['ls-remote', '--quiet', '--', url, ...wanted], { network: true, signal })).toString()
  if (listed !== '' || isCommit) return
  throw ref === undefined
    ? gitFailed(`"${url}" has no commit`, 'Push something first.')
    : gitFailed(`"${url}" has no ref "${ref}"`, 'Name a branch, a tag or a commit that is there.')
}

/**
 * Looks whether a repository is there and has what is asked for, before anything is made.
 *
 * @throws `git.failed`, `source.not-found`, `config.invalid`; the reason of the signal.
 */
export async function checkGitSource(source: string, ref: string | undefined, signal?: AbortSignal): Promise<void> {
  checkRef(source, ref)
  const place = placeOf(source)
  if (place.kind === 'url') await checkRemote(place.url, ref, signal)
  else await resolveLocal(source, { ...place.options, signal }, ref)
}

/** A bare repository of our own, without any configuration but the format. */
export interface Workshop {
  readonly gitDir: string
  /** The commit in it. */
  readonly commit: string
  dispose(): Promise<void>
}

async function makeBare(gitDir: string): Promise<void> {
  await mkdir(join(gitDir, 'objects/info'), { recursive: true })
  await mkdir(join(gitDir, 'objects/pack'))
  await mkdir(join(gitDir, 'refs/heads'), { recursive: true })
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/main\n')
  await writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n')
}

/** The one commit that is asked for; all of the repository only where the server does not give a single one. */
async function fetchRemote(gitDir: string, url: string, ref: string | undefined, signal: AbortSignal | undefined): Promise<string> {
  const options: GitOptions = { gitDir, network: true, signal }
  const fetch = (depth: readonly string[], spec: string): Promise<Buffer> =>
    git(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', ...depth, '--', url, spec], options)
  const spec = `+${ref ?? 'HEAD'}:${SOURCE_REF}`
  const resolveRef = async (name: string): Promise<string> =>
    (await git(['rev-parse', '--quiet', '--verify', `${name}^{commit}`], { gitDir, signal })).toString().trim()
  try {
    await fetch(['--depth=1'], spec)
    return await resolveRef(SOURCE_REF)
  } catch (error) {
    if (signal?.aborted) throw error
    const noShallow = isRingfenceError(error, 'git.failed') && /shallow/.test(error.message)
    // A short name of a commit, or a server that gives none by name.
    if (ref !== undefined && COMMIT.test(ref)) {
      await fetch([], '+refs/*:refs/ringfence/all/*')
      return await resolveRef(ref)
    }
    if (!noShallow) throw error
    // A server of plain files knows no part of a history.
    await fetch([], spec)
    return await resolveRef(SOURCE_REF)
  }
}

/**
 * Brings a commit into a repository of our own, so that nothing that the source configures is ever read when its content is.
 *
 * @throws as {@link checkGitSource}. Nothing is left then.
 */
export async function openWorkshop(source: string, ref: string | undefined, signal?: AbortSignal): Promise<Workshop> {
  checkRef(source, ref)
  const place = placeOf(source)
  const folder = await mkdtemp(join(tmpdir(), 'ringfence-git-'))
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const gitDir = join(folder, 'git')
    await makeBare(gitDir)
    if (place.kind === 'url') return { gitDir, commit: await fetchRemote(gitDir, place.url, ref, signal), dispose }
    const { commit, objects } = await resolveLocal(source, { ...place.options, signal }, ref)
    // Nothing is copied: its objects are read where they lie. The name is quoted as git quotes in C.
    const quoted = objects.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')
    await writeFile(join(gitDir, 'objects/info/alternates'), `"${quoted}"\n`)
    return { gitDir, commit, dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
