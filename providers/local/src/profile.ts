import { release } from 'node:os'
import type { LimitName, Profile } from '@ringfence/core'
import { cgroupHost } from './cgroup-host.ts'

/** The ceiling of all options. */
export const profile = {
  name: 'local',
  facets: { lifetime: 'always', pty: 'always', snapshot: 'never', suspend: 'never' },
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
  coldStart: { ms: 15, source: 'measured on two cores of a virtual machine with Debian 12', date: '2026-11-29' },
} as const satisfies Profile

export type LocalProfile = typeof profile

/** Which limits this machine can hold. It is knowledge of the machine: looked up once a process, nothing is changed. */
export function resolveProfile(isolation: 'process' | 'none'): Profile {
  if (isolation === 'process') return { ...profile, limits: limitsHere() }
  return {
    ...profile,
    isolation: 'none',
    egress: { tier: 'none', enforcedBy: 'nothing', open: 'everything of the host' },
    limits: ['cpuSeconds', 'fileBytes'],
    user: process.getuid?.() === 0 ? 'root' : 'non-root',
  }
}

function limitsHere(): LimitName[] {
  const held = new Set<LimitName>(['cpuSeconds', 'fileBytes', ...(cgroupHost()?.limits ?? [])])
  if (countsProcessesPerNamespace()) held.add('processes')
  return profile.limits.filter((name) => held.has(name))
}

/** Since Linux 5.14 RLIMIT_NPROC counts the processes of a user namespace, not those of the user on the whole machine. */
export function countsProcessesPerNamespace(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 14)
}
