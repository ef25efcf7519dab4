import { resolve } from 'node:path'
import { type ManifestInput, RingfenceError } from '@ringfence/core'

/** Whether git takes it for a place elsewhere rather than for a folder. */
export function isUrl(repo: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(repo) || /^[\w.-]+@[\w.-]+:[^:]/.test(repo)
}

/** A folder as a whole path, or a URL as it is. Throws `config.invalid` for a URL with a credential: others can read arguments. */
export function repositoryOf(repo: string, cwd: string): string {
  if (!isUrl(repo)) return resolve(cwd, repo)
  // The user of ssh is no secret; before a host of http there is only ever one.
  const { protocol = '', username = '', password = '' } = URL.canParse(repo) ? new URL(repo) : {}
  if (password !== '' || (username !== '' && /^https?:$/.test(protocol)))
    throw new RingfenceError('config.invalid', 'The URL of the repository holds a credential', {
      hint: 'Leave it out: git asks its credential helper on this machine.',
      effect: 'none',
    })
  return repo
}

/** The manifest of a repository, by its whole path or its URL, with variables for the inside. */
export function repositoryManifest(repo: string, env: Readonly<Record<string, string>> = {}): ManifestInput {
  return { entries: { repo: { type: 'gitRepo', source: repo } }, env }
}

/** The manifest for `--repo`, which may be left out. Throws as {@link repositoryOf} does. */
export function manifestOf(repo: string | undefined, cwd: string): ManifestInput {
  return repo === undefined ? {} : repositoryManifest(repositoryOf(repo, cwd))
}
