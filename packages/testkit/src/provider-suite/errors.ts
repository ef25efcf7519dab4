import { inspect } from 'node:util'
import { ERROR_CODES, isRingfenceError, secret } from '@ringfence/core'
import { conformanceError, expectCode, expectEqual, expectThrown, expectTrue } from '../assert/assert.ts'
import { createSandbox, open, type ProviderRequirement, requirement } from './subject.ts'

function expectBranded(error: unknown): void {
  if (!isRingfenceError(error)) throw conformanceError(`It is no RingfenceError: ${inspect(error)}`, error)
  expectTrue(error.code in ERROR_CODES && error.message.length > 10, `The code "${error.code}" or its message says nothing`)
}

export const errorsRequirements: readonly ProviderRequirement[] = [
  requirement(
    'errors.branded',
    'Everything that is thrown is a RingfenceError with a code of the catalogue and a message that says something.',
    async (subject, context) => {
      const workspace = await open(subject, context)
      const calls = [
        () => workspace.readFile('missing'),
        () => workspace.exec('true', { cwd: 'missing' }),
        () => workspace.exec(['no-such-program']),
        () => workspace.attach('unknown'),
        () => workspace.remove('missing'),
        () => workspace.diff('.'),
        () => workspace.snapshot(),
      ]
      for (const call of calls) expectBranded(await expectThrown(call))
    },
  ),
  requirement(
    'errors.provider-branded',
    'What the provider itself throws is a RingfenceError with a code of the catalogue.',
    async (subject, context) => {
      const sandbox = await createSandbox(subject, context)
      expectBranded(await expectThrown(sandbox.spawn([])))
      await sandbox.destroy()
      expectBranded(await expectThrown(sandbox.spawn(['true'])))
      expectBranded(await expectThrown(subject.provider.resume(sandbox.state, { lifetimeMs: 1000 }, context.runtime)))
    },
  ),
  requirement('errors.effect-none', 'What surely had no effect says so: recovery reads it.', async (subject, context) => {
    const workspace = await open(subject, context)
    expectEqual((await expectCode(workspace.readFile('../x'), 'path.escapes-workspace')).effect, 'none', 'The effect of a refused path')
    expectEqual(
      (await expectCode(workspace.exec('true', { cwd: 'missing' }), 'exec.spawn-failed')).effect,
      'none',
      'The effect of a missing directory',
    )
    await workspace.destroy()
    expectEqual((await expectCode(workspace.exec('true'), 'sandbox.closed')).effect, 'none', 'The effect of a closed handle')
  }),
  requirement(
    'errors.no-secret',
    'No value of a secret is in a message, in the JSON or in the printed form of an error.',
    async (subject, context) => {
      const value = 'error-secret-90c4e1'
      const workspace = await open(subject, context, { policy: { secrets: [{ secret: secret.from('KEY', () => value) }] } })
      for (const call of [() => workspace.exec('true', { cwd: `missing-${value}` }), () => workspace.exec([`program-${value}`])]) {
        const error = await expectThrown(call)
        expectTrue(!inspect(error, { depth: 8 }).includes(value) && !JSON.stringify(error).includes(value), 'The error holds the value')
      }
    },
  ),
]
