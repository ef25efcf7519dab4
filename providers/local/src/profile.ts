import type { LimitName, Profile } from '@ringfence/core'
import { cgroupHost, isLinux } from './cgroup-host.ts'

/** The ceiling of all options. */
export const profile = {
  name: 'local',
  facets: { lifetime: 'always', pty: 'always', snapshot: 'never', suspend: 'varies' },
  wire: {
    output: 'bytes',
    delivery: 'live',
    stdin: 'live',
    kill: 'group',
    user: false,
    start: 'once',
    maxArgvBytes: 122_880,
    pids: 'shared',
    openChannel: 'free',
  },
  isolation: 'process',
  egress: {
    tier: 'block',
    enforcedBy: 'network namespace',
    open: 'the whole network of the host, with what listens on its loopback and on its abstract Unix sockets',
  },
  limits: ['memoryBytes', 'processes', 'cpus', 'cpuSeconds', 'fileBytes'],
  user: 'non-root',
  find: 'name',
  maxLifetimeMs: null,
  persistence: 'none',
  coldStart: { ms: 17, source: 'measured on two cores of a virtual machine with Debian 12', date: '2026-11-29' },
} as const satisfies Profile

export type LocalProfile = typeof profile

/** What this machine can do. It is knowledge of the machine: looked up once a process, nothing is changed. */
export function resolveProfile(isolation: 'process' | 'none'): Profile {
  const host = isolation === 'none' ? undefined : cgroupHost()
  return profileThatHas(isolation, heldLimits(isolation, host?.limits ?? []), host?.parents.has('freezer') ?? false)
}

/** The limits of a sandbox whose control groups hold some. Those of one process are set by the loop inside, or it does not start. */
export function heldLimits(isolation: 'process' | 'none', counted: readonly LimitName[]): readonly LimitName[] {
  // Since Linux 5.14 RLIMIT_NPROC counts the processes of a user namespace, not those of the user on the whole machine.
  const processes = isolation === 'process' && isLinux(5, 14) ? (['processes'] as const) : []
  const held: readonly LimitName[] = ['cpuSeconds', 'fileBytes', ...processes, ...counted]
  return profile.limits.filter((name) => held.includes(name))
}

/** The profile of a sandbox with these limits, which can be frozen or not. */
export function profileThatHas(isolation: 'process' | 'none', limits: readonly LimitName[], freezer: boolean): Profile {
  const facets = { ...profile.facets, suspend: freezer ? profile.facets.suspend : 'never' } as const
  if (isolation === 'process') return { ...profile, facets, limits }
  return {
    ...profile,
    facets,
    limits,
    isolation: 'none',
    egress: { tier: 'none', enforcedBy: 'nothing', open: 'everything of the host' },
    user: process.getuid?.() === 0 ? 'root' : 'non-root',
  }
}
