import { inspect } from 'node:util'
import {
  type Decision,
  effectivePolicy,
  evaluate,
  ISOLATION_LEVELS,
  isolatesAtLeast,
  LIMIT_NAMES,
  limitsOf,
  type Policy,
  type PolicyFacts,
  type PolicyLayer,
  parsePolicy,
  secret,
} from '@ringfence/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type SandboxFacts = Extract<PolicyFacts, { kind: 'sandbox' }>

const SANDBOX: SandboxFacts = {
  kind: 'sandbox',
  stage: 'declared',
  provider: 'acme',
  isolation: 'process',
  egress: { tier: 'block', enforcedBy: 'network namespace', open: 'the network of the host' },
  limits: ['memoryBytes'],
}

const hosts = [
  'a.example.com',
  'b.example.com',
  '*.example.com',
  '*.a.example.com',
  'example.com',
  'a.example.com:80',
  '10.0.0.1',
  'cidr:10.0.0.0/8',
]
const users = ['root', 'node', 'build']

const policy: fc.Arbitrary<Policy> = fc.record(
  {
    minimumIsolation: fc.constantFrom(...ISOLATION_LEVELS),
    egress: fc.oneof(fc.constantFrom<'none' | 'open' | null>('none', 'open', null), fc.subarray(hosts)),
    users: fc.oneof(fc.constant(null), fc.subarray(users)),
    limits: fc.record({ memoryBytes: fc.integer({ min: 1, max: 9 }), cpus: fc.integer({ min: 1, max: 9 }) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
)
const layers: fc.Arbitrary<readonly PolicyLayer[]> = fc.array(
  fc.record({ owner: fc.constantFrom('app', 'organisation', 'tenant'), policy }),
  {
    maxLength: 4,
  },
)
const facts: fc.Arbitrary<PolicyFacts> = fc.oneof(
  fc.record({
    kind: fc.constant('sandbox' as const),
    stage: fc.constantFrom('declared' as const, 'observed' as const),
    provider: fc.constant('acme'),
    isolation: fc.constantFrom(...ISOLATION_LEVELS),
    egress: fc.record({
      tier: fc.constantFrom('none' as const, 'block' as const),
      enforcedBy: fc.constant('a test'),
      open: fc.constantFrom<string | false>('all', false),
    }),
    limits: fc.subarray([...LIMIT_NAMES]),
  }),
  fc.record({ kind: fc.constant('command' as const), user: fc.option(fc.constantFrom(...users), { nil: undefined }) }),
  fc.record({
    kind: fc.constant('connect' as const),
    host: fc.constantFrom('a.example.com', 'b.example.com', 'example.com', 'x.a.example.com', '10.0.0.1', '10.2.3.4', '::1'),
    port: fc.constantFrom(443, 80),
  }),
)

const denied = (decision: Decision): Extract<Decision, { allow: false }> => {
  if (decision.allow) throw new TypeError('It was allowed')
  return decision
}

describe('evaluate', () => {
  test('a denial always tells what, which rule, whose rule and how to allow it', () => {
    fc.assert(
      fc.property(layers, facts, (all, fact) => {
        const decision = evaluate(all, fact)
        if (decision.allow) return
        for (const text of [decision.what, decision.rule, decision.remedy]) expect(text).not.toBe('')
        expect([...all.map(({ owner }) => owner), 'default']).toContain(decision.owner)
      }),
      { numRuns: 1_000 },
    )
  })

  test('a layer more never allows more', () => {
    fc.assert(
      fc.property(layers, fc.record({ owner: fc.constant('more'), policy }), fc.nat(4), facts, (all, more, at, fact) => {
        fc.pre(all.length > 0)
        const wider = evaluate(all, fact)
        const narrower = evaluate(all.toSpliced(Math.min(at, all.length), 0, more), fact)
        // What is unsupported is not there to be allowed: a provider without a network is refused an open one alone.
        if (!wider.allow && !wider.unsupported) expect(narrower.allow).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })

  test('fewer hosts and fewer users never allow more', () => {
    fc.assert(
      fc.property(policy, fc.nat(9), facts, (whole, index, fact) => {
        const egress = Array.isArray(whole.egress) ? whole.egress.toSpliced(index % Math.max(whole.egress.length, 1), 1) : whole.egress
        const names = whole.users?.toSpliced(index % Math.max(whole.users.length, 1), 1)
        const less: Policy = { ...whole, egress, users: names }
        if (fact.kind === 'sandbox') return
        if (evaluate([{ owner: 'app', policy: less }], fact).allow)
          expect(evaluate([{ owner: 'app', policy: whole }], fact).allow).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  test('empty, missing and null each deny', () => {
    for (const egress of [[], undefined, null, 'none'] as const) {
      const all = [{ owner: 'app', policy: { egress: egress === null ? null : Array.isArray(egress) ? [] : egress } as Policy }]
      expect(evaluate(all, { kind: 'connect', host: 'example.com', port: 443 }).allow).toBe(false)
      const open = { ...SANDBOX, egress: { ...SANDBOX.egress, tier: 'none' as const } }
      expect(denied(evaluate(all, open))).toMatchObject({ rule: 'egress', owner: 'app', unsupported: true })
    }
    for (const list of [[], undefined, null])
      expect(denied(evaluate([{ owner: 'app', policy: { users: list } }], { kind: 'command', user: 'root' }))).toMatchObject({
        rule: 'users',
        owner: 'app',
        remedy: 'Add "root" to policy.users.',
      })
    expect(evaluate([], { kind: 'connect', host: 'example.com', port: 443 }).allow).toBe(false)
    expect(evaluate([], { kind: 'command', user: 'root' }).allow).toBe(false)
    expect(evaluate([], { kind: 'command', user: undefined }).allow).toBe(true)
  })

  test('an empty list in the middle of layers closes the network', () => {
    const all: readonly PolicyLayer[] = [
      { owner: 'app', policy: { egress: 'open' } },
      { owner: 'organisation', policy: { egress: [] } },
      { owner: 'tenant', policy: { egress: ['example.com'] } },
    ]
    expect(denied(evaluate(all, { kind: 'connect', host: 'example.com', port: 443 })).owner).toBe('organisation')
    expect(effectivePolicy(all).egress).toEqual({ value: 'none', owner: 'organisation' })
  })

  test('without a policy: the isolation of a process, no network, no other user', () => {
    expect(effectivePolicy([])).toEqual({
      minimumIsolation: { value: 'process', owner: 'default' },
      egress: { value: 'none', owner: 'default' },
      limits: [],
      users: { value: [], owner: 'default' },
    })
    expect(evaluate([], SANDBOX).allow).toBe(true)
    const bare = denied(evaluate([], { ...SANDBOX, isolation: 'none' }))
    expect(bare).toMatchObject({ rule: 'minimumIsolation', owner: 'default', unsupported: false })
    expect(bare.remedy).toContain('set minimumIsolation to "none"')
  })

  test('isolation `none` is had only when every layer names it', () => {
    const none: PolicyLayer = { owner: 'app', policy: { minimumIsolation: 'none' } }
    const silent: PolicyLayer = { owner: 'organisation', policy: {} }
    const facts = { ...SANDBOX, isolation: 'none' as const }
    expect(evaluate([none], facts).allow).toBe(true)
    for (const all of [
      [none, silent],
      [silent, none],
    ])
      expect(denied(evaluate(all, facts)).owner).toBe('organisation')
  })

  test('a list of hosts is not supported yet; a limit that is not enforced is neither', () => {
    expect(denied(evaluate([{ owner: 'app', policy: { egress: ['pypi.org'] } }], SANDBOX))).toMatchObject({
      rule: 'egress',
      unsupported: true,
    })
    const limit = denied(evaluate([{ owner: 'app', policy: { limits: { cpus: 1 } } }], SANDBOX))
    expect(limit).toMatchObject({ rule: 'limits.cpus', owner: 'app', unsupported: true })
    expect(limit.remedy).toContain('It enforces memoryBytes')
    expect(evaluate([{ owner: 'app', policy: { limits: { memoryBytes: 1 } } }], SANDBOX).allow).toBe(true)
    const closed = { ...SANDBOX, egress: { ...SANDBOX.egress, open: false as const } }
    expect(denied(evaluate([{ owner: 'app', policy: { egress: 'open' } }], closed))).toMatchObject({ rule: 'egress', unsupported: true })
  })

  test('what the remedy of a connection says to add allows it', () => {
    for (const [host, port] of [
      ['example.com', 443],
      ['EXAMPLE.com.', 8443],
      ['::1', 443],
      ['[2001:db8::1]', 80],
      ['127.1', 22],
    ] as const) {
      const connect: PolicyFacts = { kind: 'connect', host, port }
      const { remedy } = denied(evaluate([{ owner: 'app', policy: {} }], connect))
      const pattern = /"(.*)"/.exec(remedy)?.[1] ?? ''
      expect(evaluate([{ owner: 'app', policy: { egress: [pattern] } }], connect).allow).toBe(true)
    }
  })

  test('a host that is none is refused, not matched', () => {
    const all = [{ owner: 'app', policy: { egress: 'open' as const } }]
    expect(() => evaluate(all, { kind: 'connect', host: 'a%2eb', port: 443 })).toThrow('is not a host')
  })
})

describe('effectivePolicy', () => {
  test('is the strictest of each, with its owner', () => {
    const all: readonly PolicyLayer[] = [
      {
        owner: 'app',
        policy: { minimumIsolation: 'process', egress: 'open', users: ['root', 'node'], limits: { memoryBytes: 9, cpus: 1 } },
      },
      {
        owner: 'organisation',
        policy: { minimumIsolation: 'gvisor', egress: ['*.example.com'], users: ['node'], limits: { memoryBytes: 5 } },
      },
      { owner: 'tenant', policy: { minimumIsolation: 'container', egress: ['a.example.com', 'b.org'], users: ['node', 'x'] } },
    ]
    expect(effectivePolicy(all)).toEqual({
      minimumIsolation: { value: 'gvisor', owner: 'organisation' },
      egress: { value: ['a.example.com'], owner: 'tenant' },
      users: { value: ['node'], owner: 'organisation' },
      limits: [
        { name: 'memoryBytes', value: 5, owner: 'organisation' },
        { name: 'cpus', value: 1, owner: 'app' },
      ],
    })
    expect(limitsOf(effectivePolicy(all))).toEqual({ memoryBytes: 5, cpus: 1 })
  })

  test('lets no connection through that a layer denies, whatever the order', () => {
    fc.assert(
      fc.property(layers, facts, (all, fact) => {
        fc.pre(all.length > 0)
        const { egress, users: allowed, minimumIsolation } = effectivePolicy(all)
        const combined: readonly PolicyLayer[] = [
          {
            owner: 'all',
            policy: {
              minimumIsolation: minimumIsolation.value,
              egress: typeof egress.value === 'string' ? egress.value : [...egress.value],
              users: [...allowed.value],
            },
          },
        ]
        if (fact.kind !== 'sandbox' && evaluate(combined, fact).allow) expect(evaluate(all, fact).allow).toBe(true)
        for (const { policy: one } of all) expect(isolatesAtLeast(minimumIsolation.value, one.minimumIsolation ?? 'process')).toBe(true)
        const reversed = effectivePolicy(all.toReversed())
        expect(reversed.minimumIsolation.value).toBe(minimumIsolation.value)
        expect([...reversed.users.value].sort()).toEqual([...allowed.value].sort())
        expect(limitsOf(reversed)).toEqual(limitsOf(effectivePolicy(all)))
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('parsePolicy', () => {
  test('names the place and the rule', () => {
    for (const [value, message] of [
      [{ egress: 'closed' }, 'at "egress": Invalid option: expected one of "none"|"open"; or:'],
      [{ egress: ['*'] }, 'a bare "*" would be every host'],
      [{ egress: ['*.com'] }, 'is a public suffix'],
      [{ limits: { cpus: 0 } }, 'at "limits.cpus"'],
      [{ limits: { memory: 1 } }, 'at "limits": Unrecognized key: "memory"'],
      [{ minimumIsolation: 'strong' }, 'at "minimumIsolation"'],
      [{ users: [''] }, 'at "users'],
      [{ network: 'none' }, 'Unrecognized key: "network"'],
      [null, 'expected object'],
    ] as const) {
      expect(() => parsePolicy(value)).toThrow(expect.objectContaining({ code: 'config.invalid', effect: 'none' }))
      expect(() => parsePolicy(value)).toThrow(message)
    }
  })

  test('a slot of a secret must be acknowledged by its own name', () => {
    const use = (sandbox: unknown): Policy => parsePolicy({ secrets: [{ secret: secret.env('TOKEN'), sandbox }] })
    expect(use({ env: 'TOKEN', acknowledge: 'env:TOKEN' }).secrets).toHaveLength(1)
    expect(use({ file: 'a/b', acknowledge: 'file:a/b' }).secrets).toHaveLength(1)
    for (const acknowledge of ['TOKEN', 'env:token', 'env:OTHER', 'file:TOKEN', '', true, undefined])
      expect(() => use({ env: 'TOKEN', acknowledge })).toThrow('The policy is not valid')
    expect(() => use({ env: '1X', acknowledge: 'env:1X' })).toThrow('The policy is not valid')
  })

  test('a value where a secret belongs is refused, and the error does not hold it', () => {
    for (const value of [
      'sk-live-0123456789',
      { secret: 'sk-live-0123456789' },
      { value: 'sk-live-0123456789', source: { kind: 'env' } },
    ]) {
      try {
        parsePolicy({ secrets: [{ secret: value }] })
        expect.unreachable()
      } catch (error) {
        expect(`${String(error)} ${JSON.stringify(error)} ${inspect(error, { depth: 20 })}`).not.toContain('sk-live')
      }
    }
  })

  test('serialises without a value of a secret', () => {
    const parsed = parsePolicy({ egress: 'none', secrets: [{ secret: secret.from('TOKEN', () => 'sk-live-0123456789') }] })
    expect(JSON.stringify(parsed)).toBe('{"egress":"none","secrets":[{"secret":{"secret":"TOKEN"}}]}')
    expect(inspect(parsed, { depth: 20, showHidden: true })).not.toContain('sk-live')
  })
})
