import {
  type NativeSnapshot,
  type Profile,
  type Provider,
  RingfenceError,
  type RuntimeContext,
  randomId,
  type Sandbox,
} from '@ringfence/core'
import { checkCreate, checkNativeSnapshot, providerErrors } from '@ringfence/core/plugin'
import { type KeptFiles, packFiles, unpackFiles } from './pack-files.ts'

const withFacet = (profile: Profile): Profile => ({ ...profile, facets: { ...profile.facets, snapshot: 'always' } })

function snapshotError(code: 'snapshot.not-found' | 'snapshot.failed', message: string, provider: string): RingfenceError {
  const taking = code === 'snapshot.failed'
  return new RingfenceError(code, message, {
    provider,
    operation: taking ? 'snapshot.take' : 'sandbox.create',
    hint: taking ? 'Nothing is kept. Look for files that the user of the sandbox may not read.' : 'Take another snapshot.',
    effect: 'none',
  })
}

/**
 * Snapshots for a provider that makes none: all files that the default user has written in the workspace, in the home and in
 * `/var/tmp`, in the memory of this process. The sandbox needs `tar` and `base64`.
 */
export function withSnapshots(provider: Provider): Provider {
  const { name } = provider.profile
  const errors = providerErrors(name)
  const snapshots = new Map<string, KeptFiles>()
  /** By the state of a sandbox: one that is asked for twice is filled once. */
  const filled = new Map<string, Promise<void>>()

  function keeping(sandbox: Sandbox, { random }: RuntimeContext): Sandbox {
    return {
      ...sandbox,
      profile: withFacet(sandbox.profile),
      snapshot: {
        async take({ signal } = {}) {
          signal?.throwIfAborted()
          const files = await packFiles(sandbox, signal)
          if (!files) throw snapshotError('snapshot.failed', 'The files of the sandbox could not be read', name)
          const id = randomId(random, 'snap')
          snapshots.set(id, files)
          return { provider: name, id, data: {} }
        },
      },
    }
  }

  async function fill(sandbox: Sandbox, files: KeptFiles, { random }: RuntimeContext, signal: AbortSignal | undefined): Promise<void> {
    try {
      if (await unpackFiles(sandbox, files, randomId(random, 'restore'), signal)) return
    } catch (error) {
      await sandbox.destroy()
      throw error
    }
    await sandbox.destroy()
    throw errors.startFailed('The files of the snapshot could not be written', 'Look for a limit of file sizes or of disk space.')
  }

  function keptFiles(from: NativeSnapshot): KeptFiles {
    const files = snapshots.get(from.id)
    if (!files) throw snapshotError('snapshot.not-found', `There is no snapshot "${from.id}"`, name)
    return files
  }

  return {
    ...provider,
    profile: withFacet(provider.profile),
    resolve: () => withFacet(provider.resolve()),
    async create(request, context) {
      const { from, ...rest } = request
      if (!from) return keeping(await provider.create(rest, context), context)
      checkCreate(request, withFacet(provider.resolve()), errors)
      const files = keptFiles(from)
      const sandbox = await provider.create(rest, context)
      const key = JSON.stringify(sandbox.state)
      const filling = filled.get(key) ?? fill(sandbox, files, context, rest.signal)
      filled.set(key, filling)
      await filling
      return keeping(sandbox, context)
    },
    resume: async (state, request, context) => keeping(await provider.resume(state, request, context), context),
    async deleteSnapshot(snapshot) {
      checkNativeSnapshot('snapshot.delete', snapshot, withFacet(provider.profile), errors)
      snapshots.delete(snapshot.id)
    },
  }
}
