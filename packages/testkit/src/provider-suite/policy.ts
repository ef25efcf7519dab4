import { createServer } from 'node:net'
import { ISOLATION_LEVELS, type Provider, secret } from '@ringfence/core'
import type { Workspace } from '@ringfence/workspace'
import { conformanceError, expectCode, expectEqual, expectTrue } from '../assert/assert.ts'
import type { RequirementContext } from '../suite/requirement.ts'
import { closedNetwork, liveStdin, openNetwork } from './features.ts'
import { engineOf, open, type ProviderRequirement, requirement } from './subject.ts'

const VALUE = 'conformance-secret-7f3a9c'
const planted = secret.from('PLANTED', () => VALUE)

/** A server of the harness's machine that counts who comes. */
async function listener(context: RequirementContext): Promise<{ port: number; visits: () => number }> {
  let visits = 0
  const server = createServer((socket) => {
    visits += 1
    // A visitor may leave at once.
    socket.on('error', () => socket.destroy())
    socket.end('hello from the host\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.defer(() => new Promise<void>((resolve) => server.close(() => resolve())))
  const address = server.address()
  if (address === null || typeof address === 'string') throw conformanceError('The server of the test has no port')
  return { port: address.port, visits: () => visits }
}

/** Tries to reach a port, with whatever the image has. */
const CONNECT = `if command -v bash >/dev/null; then bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$1" 2>/dev/null
elif command -v nc >/dev/null; then nc -w 2 127.0.0.1 "$1" </dev/null >/dev/null 2>&1
else exit 77; fi`

/** All that can be read of processes and of files that are not of the system. */
const SEARCH = `{ cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline; env; find "$1" /tmp /run /home /root /var/tmp -xdev -type f -size -200k -exec cat {} +; } 2>/dev/null`

async function search(workspace: Workspace): Promise<string> {
  const { stdout } = await workspace.exec(['sh', '-c', SEARCH, 'sh', workspace.root])
  return stdout
}

export const policyRequirements: readonly ProviderRequirement[] = [
  requirement(
    'policy.isolation.refused',
    'A stronger isolation than there is is refused before anything is made, naming rule and owner.',
    async (subject, context) => {
      const { isolation } = subject.provider.resolve()
      const minimumIsolation = ISOLATION_LEVELS[ISOLATION_LEVELS.indexOf(isolation) + 1]
      if (!minimumIsolation) return
      const error = await expectCode(open(subject, context, { policy: { minimumIsolation } }), 'policy.denied')
      expectEqual([error.details.rule, error.details.owner, error.effect], ['minimumIsolation', 'app', 'none'], 'Rule, owner and effect')
    },
  ),
  requirement(
    'policy.isolation.default',
    'Without a policy the isolation is at least that of a process: a provider without it is refused.',
    async (subject, context) => {
      if (subject.provider.resolve().isolation !== 'none') {
        const sandbox = await subject.provider.create(
          {
            ref: { installation: 'c', runId: 'r', intentId: `d${context.runtime.clock.now()}` },
            isolation: 'process',
            egress: subject.policy?.egress === 'open' ? 'open' : 'none',
            limits: {},
            lifetimeMs: 60_000,
          },
          context.runtime,
        )
        context.defer(() => sandbox.destroy())
        return
      }
      await expectCode(engineOf(subject)({ sandbox: subject.provider, runtime: context.runtime }), 'policy.denied')
    },
  ),
  requirement(
    'policy.isolation.observed',
    'A sandbox that came with a weaker isolation than promised is destroyed and refused.',
    async (subject, context) => {
      let destroyed = false
      const provider: Provider = {
        ...subject.provider,
        async create(request, runtime) {
          const sandbox = await subject.provider.create(request, runtime)
          return {
            ...sandbox,
            profile: { ...sandbox.profile, isolation: 'none', name: sandbox.profile.name },
            async destroy() {
              destroyed = true
              await sandbox.destroy()
            },
          }
        },
      }
      if (subject.provider.resolve().isolation === 'none') return
      await expectCode(engineOf(subject)({ sandbox: provider, policy: subject.policy, runtime: context.runtime }), 'policy.denied')
      expectTrue(destroyed, 'It was not destroyed')
    },
  ),
  requirement(
    'policy.egress.none-closed',
    'With egress "none" nothing inside reaches the machine of the harness; where it cannot be enforced it is refused.',
    async (subject, context) => {
      const { port, visits } = await listener(context)
      const workspace = await open(subject, context, { policy: { egress: 'none' } })
      const { exitCode } = await workspace.exec(['sh', '-c', CONNECT, 'sh', String(port)])
      expectTrue(exitCode !== 0 && visits() === 0, 'The connection came about')
    },
    closedNetwork,
  ),
  requirement(
    'policy.egress.open-by-name',
    'With egress "open" there is a network, and the profile says what it exposes; elsewhere it is refused.',
    async (subject, context) => {
      const workspace = await open(subject, context, { policy: { egress: 'open' } })
      const { stdout } = await workspace.exec('ls /sys/class/net 2>/dev/null || cut -d: -f1 /proc/net/dev')
      expectTrue(stdout.trim().length > 0, 'There is no network')
      expectTrue((subject.provider.resolve().egress.open || '').length > 10, 'The profile does not say what it exposes')
    },
    openNetwork,
  ),
  requirement(
    'policy.egress.hosts-unsupported',
    'A list of hosts that cannot be enforced is feature.unsupported; an empty one is a closed network.',
    async (subject, context) => {
      await expectCode(open(subject, context, { policy: { egress: ['pypi.org'] } }), 'feature.unsupported')
    },
  ),
  requirement(
    'policy.env.harness-absent',
    'Nothing of the environment of the harness is visible inside, in no process.',
    async (subject, context) => {
      const key = 'RINGFENCE_CONFORMANCE_PROBE'
      process.env[key] = VALUE
      context.defer(() => {
        delete process.env[key]
      })
      const workspace = await open(subject, context)
      expectTrue(!(await search(workspace)).includes(VALUE), 'The variable of the harness is visible inside')
    },
  ),
  requirement(
    'policy.user.refused',
    'A command as a user whom the policy does not name is policy.denied; a named one needs a wire with users.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const error = await expectCode(workspace.exec('true', { user: 'nobody' }), 'policy.denied')
      expectEqual(error.details.rule, 'users', 'The rule')
      const named = await open(subject, context, { policy: { users: ['nobody'] } })
      if (subject.provider.resolve().wire.user) expectEqual((await named.exec('id -un', { user: 'nobody' })).stdout, 'nobody\n', 'The user')
      else await expectCode(named.exec('true', { user: 'nobody' }), 'feature.unsupported')
    },
  ),
  requirement('policy.secret.stays-out', 'A secret that the policy does not place is nowhere inside.', async (subject, context) => {
    const workspace = await open(subject, context, { policy: { secrets: [{ secret: planted }] } })
    await workspace.exec('true')
    const { stdout } = await workspace.exec(['sh', '-c', `${SEARCH} | grep -c 'secret-7f3[a]9c'`, 'sh', workspace.root])
    expectEqual(stdout.trim(), '0', 'The places where it was found')
  }),
  requirement(
    'policy.secret.in-file',
    'A secret that the policy places into a file is in that file alone, of mode 0600.',
    async (subject, context) => {
      const workspace = await open(subject, context, {
        policy: { secrets: [{ secret: planted, sandbox: { file: 'conf/token', acknowledge: 'file:conf/token' } }] },
      })
      expectEqual((await workspace.stat('conf/token'))?.mode, 0o600, 'The mode')
      expectEqual((await workspace.exec(`grep -c 'secret-7f3[a]9c' conf/token`)).stdout.trim(), '1', 'The lines that hold it')
      expectEqual((await workspace.exec('cat conf/token')).stdout, '[secret PLANTED]', 'What is seen of it')
    },
  ),
  requirement(
    'policy.secret.in-env',
    'A secret that the policy places into a variable is in that of commands alone; a wire without stdin refuses.',
    async (subject, context) => {
      const policy = { secrets: [{ secret: planted, sandbox: { env: 'TOKEN', acknowledge: 'env:TOKEN' } }] }
      const workspace = await open(subject, context, { policy })
      expectEqual((await workspace.exec('printf %s "$TOKEN" | wc -c')).stdout.trim(), String(VALUE.length), 'Its length')
      expectEqual((await workspace.exec('echo "$TOKEN"')).stdout, '[secret PLANTED]\n', 'What is seen of it')
      const { stdout } = await workspace.exec(
        `cat /proc/[0-9]*/cmdline 2>/dev/null | grep -c 'secret-7f3[a]9c'; find / -xdev -type f -newer / -size -100k -path '*ringfence*' ! -name '*.o' -exec grep -l 'secret-7f3[a]9c' {} + 2>/dev/null; true`,
      )
      expectEqual(stdout.trim(), '0', 'The places where it was found')
    },
    {
      ...liveStdin,
      refused: async (subject, context) => {
        const policy = { secrets: [{ secret: planted, sandbox: { env: 'TOKEN', acknowledge: 'env:TOKEN' } }] }
        await expectCode(open(subject, context, { policy }), 'feature.unsupported')
      },
    },
  ),
  requirement(
    'policy.secret.redacted',
    'A known secret is redacted from output, also in base64 and hex and across pieces.',
    async (subject, context) => {
      const workspace = await open(subject, context, { policy: { secrets: [{ secret: planted }] } })
      const base64 = Buffer.from(VALUE).toString('base64')
      const hex = Buffer.from(VALUE).toString('hex')
      const half = VALUE.slice(0, 11)
      const { stdout } = await workspace.exec(
        `printf '%s\\n' '${VALUE}' '${base64}' '${hex}'; printf '%s' '${half}'; sleep 0.3; printf '%s\\n' '${VALUE.slice(11)}'`,
      )
      for (const form of [VALUE, base64.slice(0, -2), hex]) expectTrue(!stdout.includes(form), `The output holds ${form}`)
      expectTrue(stdout.includes('[secret PLANTED]'), 'Nothing marks it')
    },
  ),
]
