import type { FacetLevel, Isolation, LimitName, Profile } from '@ringfence/core'
import type { Settings } from './options.ts'

/** The ceiling of all options. */
export const profile = {
  name: 'docker',
  facets: { lifetime: 'always', pty: 'always', snapshot: 'varies', suspend: 'always' },
  wire: {
    output: 'bytes',
    delivery: 'live',
    stdin: 'live',
    kill: 'none',
    user: true,
    start: 'once',
    maxArgvBytes: 122_880,
    pids: 'shared',
    openChannel: 'free',
  },
  isolation: 'microvm',
  egress: {
    tier: 'block',
    enforcedBy: 'network namespace',
    open: 'the bridge of the engine: the internet, the host of the engine with what listens on its addresses, its other networks and containers',
  },
  limits: ['memoryBytes', 'processes', 'cpus', 'cpuSeconds', 'fileBytes'],
  user: 'non-root',
  find: 'name',
  maxLifetimeMs: null,
  persistence: 'none',
  coldStart: { ms: 250, source: 'measured on two cores of a virtual machine with Debian 12, engine 20.10', date: '2026-11-29' },
} as const satisfies Profile

export type DockerProfile = typeof profile

/** What options give, before an engine was asked. */
export function resolveProfile({ runtime, user, readOnlyRoot }: Settings): Profile {
  const isolation = isolationOf(runtime)
  return {
    ...profile,
    facets: { ...profile.facets, snapshot: readOnlyRoot ? 'never' : snapshotLevel(isolation) },
    isolation,
    limits: limitsOf(isolation),
    user: user !== undefined && isRoot(user) ? 'root' : 'non-root',
  }
}

/** The engine takes its snapshots of the files that it sees: a runtime with a kernel of its own may keep what was written to itself. */
export function snapshotLevel(isolation: Isolation): FacetLevel {
  return isolation === 'container' ? profile.facets.snapshot : 'never'
}

/** The isolation of an OCI runtime, by the name that the engine has for it. */
export function isolationOf(runtime: string | undefined): Isolation {
  if (runtime === undefined) return 'container'
  if (/^(?:runsc|gvisor)\b/.test(runtime)) return 'gvisor'
  return /^kata\b/.test(runtime) ? 'microvm' : 'container'
}

/** What is enforced: gVisor has a kernel of its own, which knows no processes of the host and counts no time of one. */
export function limitsOf(isolation: Isolation): readonly LimitName[] {
  return isolation === 'gvisor' ? ['memoryBytes', 'fileBytes'] : profile.limits
}

/** Whether a user, as an image or an option names it, is root. Nobody named is root. */
export function isRoot(user: string): boolean {
  const [name = ''] = user.split(':')
  return name === '' || name === 'root' || /^0+$/.test(name)
}
