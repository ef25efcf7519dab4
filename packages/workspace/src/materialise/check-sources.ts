import { realpathSync } from 'node:fs'
import type { Manifest } from '@ringfence/core'
import { checkGitListing } from './git-listing.ts'
import { checkGitSource } from './git-source.ts'
import { checkLocalFile } from './local-file.ts'
import { checkLocalDir } from './local-tree.ts'

/**
 * Looks at every source of a manifest on the machine of the harness, before a sandbox is made: that it is there, that it is of the
 * right kind and no link, that a repository has the ref. A URL is asked over the network.
 *
 * @throws `source.not-found`, `source.refused`, `git.failed`, `config.invalid`; the reason of the signal.
 */
export async function checkSources(manifest: Manifest, signal?: AbortSignal): Promise<void> {
  for (const entry of Object.values(manifest.entries)) {
    if (entry.type === 'localFile') checkLocalFile(entry.source)
    else if (entry.type === 'localDir') {
      checkLocalDir(entry.source)
      if (entry.gitignore ?? true) await checkGitListing(realpathSync.native(entry.source), signal)
    }
    if (entry.type === 'gitRepo') await checkGitSource(entry.source, entry.ref, signal)
  }
}
