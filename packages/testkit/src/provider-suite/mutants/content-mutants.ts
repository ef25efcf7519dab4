import { opening, type ProviderMutant, workspace } from './mutate.ts'

export const contentMutants: readonly ProviderMutant[] = [
  opening('manifest-modes-lost', ['manifest.tree'], ({ manifest, ...options }) => ({
    ...options,
    manifest: manifest && {
      ...manifest,
      entries: Object.fromEntries(Object.entries(manifest.entries ?? {}).map(([path, { mode: _mode, ...entry }]) => [path, entry])),
    },
  })),
  workspace('manifest-read-only', ['manifest.writable'], (real) => ({
    exec: async (line, options) => {
      await real.exec('chmod 555 d 2>/dev/null; true')
      return real.exec(line === 'echo new > d/f && rm d/f && : > d/g && ls d' ? 'false' : line, options)
    },
  })),
  opening('manifest-cut', ['manifest.many-files'], ({ manifest, ...options }) => ({
    ...options,
    manifest: manifest && { ...manifest, entries: Object.fromEntries(Object.entries(manifest.entries ?? {}).slice(0, 1000)) },
  })),
  workspace('execute-bits-lost', ['manifest.local-folder', 'snapshot.round-trip'], (real) => ({
    exec: async (line, options) => {
      await real.exec('find . -type f -exec chmod 644 {} +')
      return real.exec(line, options)
    },
  })),
  opening('manifest-unchecked', ['manifest.refused-early'], (options) => ({ ...options, manifest: {} })),
  workspace('snapshot-of-the-end', ['snapshot.is-of-its-moment', 'snapshot.three-cycles'], (real) => ({
    snapshot: async (options) => {
      await real.exec('rm -f f f1')
      return real.snapshot(options)
    },
  })),
  opening(
    'snapshot-not-restored',
    ['snapshot.corrupt-refused', 'snapshot.missing-refused', 'snapshot.ephemeral-left-out'],
    ({ from: _from, ...options }) => options,
  ),
  workspace('secrets-in-snapshots', ['snapshot.secrets-left-out'], (real) => ({
    snapshot: async (options) => {
      await real.exec('cp key key2; rm key; mkdir key')
      return real.snapshot(options)
    },
    stat: async () => ({ type: 'file', size: 1, mode: 0o600, modifiedAt: 0 }),
  })),
  workspace('diff-empty', ['snapshot.diff'], () => ({ diff: async () => '' })),
]
