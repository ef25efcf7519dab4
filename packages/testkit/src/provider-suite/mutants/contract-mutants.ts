import { type ExitStatus, LIMIT_NAMES, type Process, type PtyProcess, systemClock } from '@ringfence/core'
import { eitherWay } from '../subject.ts'
import { type ProviderMutant, process, profile, provider, sandbox } from './mutate.ts'

const LATE_MS = 1000
/** How long what a mutant leaves behind lives. */
const LEFT_MS = 10_000

const nothing = async (): Promise<void> => undefined

async function* empty(): AsyncIterable<never> {
  yield* []
}

async function* withBytes(process: Process, change: (bytes: Uint8Array) => Uint8Array): Process['output'] {
  for await (const { fd, bytes } of process.output) yield { fd, bytes: change(bytes) }
}

/** Nothing is seen before the end. Whoever waits for more makes the end come, so that nobody waits for ever. */
async function* late(process: Process): Process['output'] {
  const chunks = []
  const ended = new AbortController()
  const end = systemClock.sleep(LATE_MS, { signal: ended.signal }).then(
    () => process.kill?.('SIGKILL'),
    // It came in time.
    () => undefined,
  )
  for await (const chunk of process.output) chunks.push(chunk)
  ended.abort()
  await end
  yield* chunks
}

/** A terminal that is none. */
async function withoutTerminal(process: Process): Promise<PtyProcess> {
  const exit = process.exit.then((): ExitStatus => ({ code: 0, signal: null }))
  // One that nobody awaits must not end the harness.
  exit.catch(() => undefined)
  return {
    ...process,
    exit,
    stdin: { write: nothing, end: nothing },
    resize: nothing,
  }
}

export const contractMutants: readonly ProviderMutant[] = [
  profile('profile-with-a-function', ['contract.profile.plain-data'], () => ({ coldStart: { ms: Number.NaN, source: 'x', date: 'x' } })),
  provider('more-than-the-ceiling', ['contract.profile.ceiling'], (real) => ({
    profile: {
      ...real.profile,
      isolation: 'none',
      limits: [],
      facets: { lifetime: 'never', pty: 'never', snapshot: 'never', suspend: 'never' },
    },
    resolve: () => ({ ...real.resolve(), isolation: 'microvm' }),
  })),
  sandbox('workspace-is-root', ['contract.create.workspace'], (real) => ({ info: { ...real.info, workspace: '/' } })),
  provider('ref-is-ignored', ['contract.create.idempotent', 'contract.find', 'lifecycle.failed-open-leaves-nothing'], (real) => {
    let count = 0
    return {
      create: (request, context) =>
        real.create(
          { ...request, ref: { ...request.ref, intentId: `other-${count++}-${context.clock.monotonic()}`.slice(0, 60) } },
          context,
        ),
      find: async () => ({ provider: real.profile.name, id: 'x', data: {} }),
    }
  }),
  provider('signal-is-ignored', ['contract.create.aborted'], (real) => ({
    create: (request, context) => real.create({ ...request, signal: undefined }, context),
  })),
  provider('progress-is-noise', ['contract.create.progress'], (real) => ({
    create: async ({ onProgress, ...request }, context) => {
      // Whatever the caller throws is lost.
      await eitherWay(Promise.resolve().then(() => onProgress?.({ stage: 'pulling', message: 'on it', fraction: 7 })))
      return real.create(request, context)
    },
  })),
  provider('requests-are-unchecked', ['contract.create.bad-request', 'contract.create.isolation-refused'], (real) => ({
    create: (request, context) =>
      real.create(
        { ...request, isolation: 'none', lifetimeMs: 60_000, ref: { ...request.ref, runId: request.ref.runId.replace(/[^a-z0-9_]/g, '') } },
        context,
      ),
  })),
  sandbox('endpoint-in-the-state', ['contract.state.json'], (real) => ({
    state: { ...real.state, data: { ...real.state.data, url: 'https://example.com' } },
  })),
  provider(
    'resume-builds-anew',
    [
      'contract.resume.same',
      'contract.resume.gone',
      'contract.resume.replaced',
      'contract.lifetime.expires',
      'contract.release.closes',
      'errors.provider-branded',
      'exec.attach.running',
      'lifecycle.attach',
    ],
    (real) => ({
      resume: (_, __, context) =>
        real.create(
          {
            ref: { installation: 'conformance', runId: 'anew', intentId: `i${Math.floor(context.clock.monotonic() * 1000)}` },
            isolation: 'none',
            egress: real.resolve().egress.tier === 'none' ? 'open' : 'none',
            limits: {},
            lifetimeMs: LEFT_MS,
          },
          context,
        ),
    }),
  ),
  provider('destroy-does-nothing', ['contract.destroy.idempotent', 'contract.destroy.ends-processes', 'pool.closed'], (real) => ({
    create: async (request, context) => {
      const sandbox = await real.create({ ...request, lifetimeMs: LEFT_MS }, context)
      return {
        ...sandbox,
        destroy: nothing,
        // So that it ends while it is looked at.
        spawn: (argv, request) => sandbox.spawn(argv[2] === 'sleep 600' ? ['sleep', '1'] : argv, request),
      }
    },
  })),
  provider('all-share-one-sandbox', ['contract.apart', 'lifecycle.parallel', 'pool.apart'], (real) => {
    const ref = { installation: 'conformance', runId: 'shared', intentId: `s${Math.floor(systemClock.monotonic() * 1000)}` }
    return { create: (request, context) => real.create({ ...request, ref }, context) }
  }),
  process('output-as-text', ['contract.spawn.bytes'], (real) => ({
    output: withBytes(real, (bytes) => Buffer.from(Buffer.from(bytes).toString('utf8'))),
  })),
  process('streams-mixed', ['contract.spawn.streams-apart', 'exec.streams'], (real) => ({
    output: (async function* () {
      for await (const { fd, bytes } of real.output) yield { fd: fd === 1 ? (2 as const) : (1 as const), bytes }
    })(),
  })),
  process('exit-always-zero', ['contract.spawn.exit-code', 'contract.spawn.signal', 'contract.spawn.kill'], (real) => ({
    exit: real.exit.then(() => ({ code: 0, signal: null })),
  })),
  sandbox('argv-joined', ['contract.spawn.argv'], (real) => ({
    spawn: (argv, request) => real.spawn(argv.length > 4 ? [...argv.slice(0, 4), ...argv.slice(4).join(' ').split(' ')] : argv, request),
  })),
  sandbox('missing-programs-succeed', ['contract.spawn.not-found'], (real) => ({
    spawn: (argv, request) => real.spawn(argv[0]?.startsWith('no-such') ? ['true'] : argv, request),
  })),
  sandbox('argv-unchecked', ['contract.spawn.bad-argv'], (real) => ({
    spawn: (argv, request) => real.spawn(argv.length === 0 || argv[0] === '' ? ['true'] : argv, request),
  })),
  process('output-cut', ['contract.spawn.large-output'], (real) => {
    let seen = 0
    return {
      output: withBytes(real, (bytes) => {
        seen += bytes.length
        return seen > 4_000_000 ? new Uint8Array() : bytes
      }),
    }
  }),
  process('output-late', ['contract.spawn.live', 'contract.spawn.abort-reading'], (real) => ({ output: late(real) })),
  sandbox('stdin-hangs-open', ['contract.spawn.no-stdin'], (real) => ({
    spawn: (argv, request) => real.spawn(argv[2] === 'cat; echo done' ? ['echo', 'hung'] : argv, request),
  })),
  sandbox(
    'stdin-not-refused-nor-taken',
    ['contract.spawn.stdin', 'contract.spawn.stdin-half-close', 'contract.spawn.stdin-after-end'],
    (real) => ({
      spawn: async (argv, request) => ({
        ...(await real.spawn(argv, { ...request, stdin: false })),
        stdin: { write: nothing, end: nothing },
      }),
    }),
  ),
  sandbox('one-output-for-all', ['contract.spawn.parallel'], (real) => ({
    spawn: (argv, request) => real.spawn(argv[3] === 'sh' && argv.length === 5 ? [...argv.slice(0, 4), '7'] : argv, request),
  })),
  sandbox('start-ignores-the-signal', ['contract.spawn.abort-start'], (real) => ({
    spawn: (argv, request) => real.spawn(argv, { ...request, signal: undefined }),
  })),
  process('detach-never-detaches', ['contract.spawn.detach'], () => ({
    detach: nothing,
    output: empty(),
    exit: Promise.resolve({ code: 0, signal: null }),
  })),
  process('kill-misses', ['contract.spawn.kill'], () => ({
    kill: nothing,
    output: empty(),
    exit: Promise.resolve({ code: 0, signal: null }),
  })),
  sandbox('user-ignored', ['contract.spawn.user'], (real) => ({
    spawn: (argv, request) => real.spawn(argv, { ...request, user: undefined }),
  })),
  sandbox(
    'no-terminal',
    ['contract.pty.terminal', 'contract.pty.input', 'contract.pty.interrupt', 'contract.pty.resize', 'contract.pty.bad-size', 'exec.pty'],
    (real) => ({
      pty: { open: async () => withoutTerminal(await real.spawn(['echo', 'no terminal'])) },
    }),
  ),
  sandbox('lifetime-ignored', ['contract.lifetime.extended', 'contract.lifetime.bad', 'lifecycle.lease-kept'], () => ({
    lifetime: { extend: nothing },
  })),
  provider(
    'limits-only-claimed',
    LIMIT_NAMES.map((name) => `policy.limit.${name}`),
    (real) => ({
      profile: { ...real.profile, limits: LIMIT_NAMES },
      resolve: () => ({ ...real.resolve(), limits: LIMIT_NAMES }),
      create: async (request, context) => {
        const made = await real.create({ ...request, limits: {} }, context)
        return { ...made, profile: { ...made.profile, limits: LIMIT_NAMES } }
      },
    }),
  ),
  provider('network-always-open', ['policy.egress.none-closed'], (real) => ({
    resolve: () => ({ ...real.resolve(), egress: { ...real.resolve().egress, tier: 'block' } }),
    create: (request, context) =>
      real.create({ ...request, egress: real.resolve().egress.open === false ? request.egress : 'open' }, context),
  })),
  provider('open-network-unexplained', ['policy.egress.open-by-name'], (real) => ({
    resolve: () => ({ ...real.resolve(), egress: { ...real.resolve().egress, open: 'x' } }),
  })),
  provider('unbranded-errors', ['errors.provider-branded'], (real) => ({
    resume: async (state, request, context) => {
      try {
        return await real.resume(state, request, context)
      } catch (error) {
        throw new TypeError(String(error))
      }
    },
  })),
  provider('stronger-than-it-is', ['policy.isolation.default'], (real) => ({
    resolve: () => ({ ...real.resolve(), isolation: real.resolve().isolation === 'none' ? 'process' : real.resolve().isolation }),
    create: (request, context) =>
      request.ref.runId === 'r' ? Promise.reject(new TypeError('refuses the default')) : real.create(request, context),
  })),
]
