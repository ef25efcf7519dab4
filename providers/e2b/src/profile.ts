import type { Profile } from '@ringfence/core'

/** What the vendor says of its sandboxes, and what its SDK can do. */
export const profile = {
  name: 'e2b',
  facets: { lifetime: 'always', pty: 'always', snapshot: 'always', suspend: 'always' },
  wire: {
    output: 'bytes',
    delivery: 'live',
    stdin: 'live',
    kill: 'none',
    user: true,
    start: 'maybe-twice',
    maxArgvBytes: 122_880,
    pids: 'shared',
    openChannel: 'free',
  },
  isolation: 'microvm',
  egress: { tier: 'block', enforcedBy: "the vendor's network", open: 'the internet, from an address of the vendor' },
  limits: [],
  user: 'non-root',
  find: 'label',
  maxLifetimeMs: 86_400_000,
  persistence: 'files',
  coldStart: { ms: 200, source: 'claimed by the vendor: 150 to 200 ms', date: '2026-11-29' },
} as const satisfies Profile

export type E2bProfile = typeof profile
