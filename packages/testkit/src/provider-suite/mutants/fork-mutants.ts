import { RingfenceError } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import { keeping, type ProviderMutant, workspace } from './mutate.ts'

/** A fault of what a fork is when it is there. */
function forked(id: string, breaks: readonly string[], fault: (fork: Workspace, first: Workspace) => Promise<Workspace>): ProviderMutant {
  return workspace(id, breaks, (real) => ({ fork: async (options) => fault(await real.fork(options), real) }))
}

export const forkMutants: readonly ProviderMutant[] = [
  forked('fork-loses-links', ['fork.tree'], async (fork) => {
    await fork.exec('find . -type l -exec rm {} +')
    return fork
  }),
  forked('fork-is-the-first', ['fork.independent'], async (fork, first) => {
    await fork.destroy()
    return first
  }),
  forked('fork-keeps-ephemeral-entries', ['fork.ephemeral'], async (fork, first) => {
    await fork.writeFile('cache/once', await first.readFile('cache/once'))
    return fork
  }),
  forked('fork-keeps-secrets', ['fork.secrets'], async (fork, first) => {
    await fork.writeFile('key', await first.readFile('key'))
    return fork
  }),
  keeping(
    workspace('fork-wants-a-store', ['fork.without-store'], (real, { snapshots }) => ({
      fork: async (options) => {
        if (!snapshots) throw new RingfenceError('config.invalid', 'There is no store')
        return real.fork(options)
      },
    })),
  ),
  keeping(
    workspace('receipts-live-on', ['snapshot.native.new-life'], (real) => ({
      attach: async () => real.spawn('true'),
    })),
  ),
  keeping(
    workspace('manifest-over-a-snapshot', ['snapshot.native.manifest'], (real, { from }) => ({
      readText: async (path, options) => (from && path === 'kept' ? 'old' : real.readText(path, options)),
    })),
  ),
  keeping(
    workspace('everything-is-kept', ['snapshot.native.kept-out'], () => ({
      nativeSnapshot: async () => ({ provider: 'conformance', id: 'everything', data: {} }),
    })),
  ),
]
