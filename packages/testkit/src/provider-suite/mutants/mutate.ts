import type { Process, Profile, Provider, Sandbox, SuspendFacet } from '@ringfence/core'
import type { OpenWorkspaceOptions, Workspace } from '@ringfence/workspace'
import { withSnapshots } from '../../providers/with-snapshots.ts'
import type { Mutant } from '../../suite/requirement.ts'
import { engineOf, type ProviderSubject } from '../subject.ts'

export type ProviderMutant = Mutant<ProviderSubject>

/** A fault of the provider. */
export function provider(id: string, breaks: readonly string[], fault: (provider: Provider) => Partial<Provider>): ProviderMutant {
  return { id, breaks, mutate: (subject) => ({ ...subject, provider: { ...subject.provider, ...fault(subject.provider) } }) }
}

/** A fault of what the profile says, everywhere that it is said. */
export function profile(id: string, breaks: readonly string[], fault: (profile: Profile) => Partial<Profile>): ProviderMutant {
  const lie = (honest: Profile): Profile => ({ ...honest, ...fault(honest) })
  return provider(id, breaks, (real) => ({
    profile: lie(real.profile),
    resolve: () => lie(real.resolve()),
    create: async (request, context) => {
      const sandbox = await real.create(request, context)
      return { ...sandbox, profile: lie(sandbox.profile) }
    },
  }))
}

/** A fault of each sandbox, also of a resumed one. */
export function sandbox(id: string, breaks: readonly string[], fault: (sandbox: Sandbox) => Partial<Sandbox>): ProviderMutant {
  const broken = (real: Sandbox): Sandbox => ({ ...real, ...fault(real) })
  return provider(id, breaks, (real) => ({
    create: async (request, context) => broken(await real.create(request, context)),
    resume: async (state, request, context) => broken(await real.resume(state, request, context)),
  }))
}

/** A fault of each process that is spawned. */
export function process(id: string, breaks: readonly string[], fault: (process: Process) => Partial<Process>): ProviderMutant {
  return sandbox(id, breaks, (real) => ({
    spawn: async (argv, request) => {
      const started = await real.spawn(argv, request)
      const broken = { ...started, ...fault(started) }
      // As the contract says of the real one: an exit that nobody awaits must not end the harness.
      broken.exit.catch(() => undefined)
      return broken
    },
  }))
}

/** A fault of the engine's handle. */
export function workspace(
  id: string,
  breaks: readonly string[],
  fault: (workspace: Workspace, options: OpenWorkspaceOptions) => Partial<Workspace>,
): ProviderMutant {
  return {
    id,
    breaks,
    mutate: (subject) => ({
      ...subject,
      openWorkspace: async (options) => {
        const real = await engineOf(subject)(options)
        return { ...real, ...fault(real, options) }
      },
    }),
  }
}

/** A fault of how the engine is asked. */
export function opening(
  id: string,
  breaks: readonly string[],
  fault: (options: OpenWorkspaceOptions) => OpenWorkspaceOptions,
): ProviderMutant {
  return { id, breaks, mutate: (subject) => ({ ...subject, openWorkspace: (options) => engineOf(subject)(fault(options)) }) }
}

/** The same fault where the provider keeps snapshots: one that keeps none gets them first, so that there is something to break. */
export function keeping({ mutate, ...mutant }: ProviderMutant): ProviderMutant {
  const able = ({ provider: real, ...subject }: ProviderSubject): ProviderSubject => ({
    ...subject,
    provider: real.resolve().facets.snapshot === 'never' ? withSnapshots(real) : real,
  })
  return { ...mutant, mutate: (subject) => mutate(able(subject)) }
}

/**
 * A fault of a sandbox that can be paused. One that cannot, and says so, gets members that do nothing: that is a fault as well.
 */
export function suspending(id: string, breaks: readonly string[], fault: (sandbox: Suspendable) => Partial<Sandbox>): ProviderMutant {
  const nothing = async (): Promise<void> => undefined
  return sandbox(id, breaks, ({ suspend, ...real }) =>
    suspend ? fault({ ...real, suspend }) : { suspend: { pause: nothing, resume: nothing } },
  )
}

export type Suspendable = Sandbox & { readonly suspend: SuspendFacet }
