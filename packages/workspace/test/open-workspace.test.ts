import { inspect } from 'node:util'
import { type AuditEvent, type AuditSink, RingfenceError, secret } from '@ringfence/core'
import { expect, test } from 'vitest'
import { memorySnapshots, openWorkspace, readSecrets, type WorkspaceEvent } from '../src/index.ts'
import { redactor } from '../src/redact/index.ts'
import { redactError } from '../src/redact-error.ts'
import { hostProvider } from './host-provider.ts'

const OPEN = { minimumIsolation: 'none', egress: 'open' } as const

function sink(required: boolean, failAt?: string): AuditSink & { readonly events: AuditEvent[] } {
  const events: AuditEvent[] = []
  return {
    required,
    events,
    async write(event) {
      if (event.action === failAt) throw new RingfenceError('internal.invariant', 'The sink of the test fails')
      events.push(event)
    },
  }
}

test('every action is audited, without values of secrets', async () => {
  const audit = sink(true)
  const token = secret.from('TOKEN', () => 'value-of-the-token')
  const workspace = await openWorkspace({ sandbox: hostProvider(), policy: { ...OPEN, secrets: [{ secret: token }] }, audit: [audit] })
  await workspace.exec('echo value-of-the-token')
  await workspace.destroy()
  expect(audit.events.map(({ action }) => action)).toEqual(['secret.resolve', 'sandbox.create', 'command', 'sandbox.destroy'])
  expect(JSON.stringify(audit.events)).not.toContain('value-of-the-token')
  expect(audit.events[2]?.body.command).toBe('echo [secret TOKEN]')
})

test('a required sink that fails stops the action; one that is not is passed over', async () => {
  await expect(openWorkspace({ sandbox: hostProvider(), policy: OPEN, audit: [sink(true, 'sandbox.create')] })).rejects.toMatchObject({
    code: 'audit.failed',
    effect: 'none',
  })
  await using workspace = await openWorkspace({ sandbox: hostProvider(), policy: OPEN, audit: [sink(false, 'command'), sink(true)] })
  expect((await workspace.exec('echo ran')).stdout).toBe('ran\n')
  await using strict = await openWorkspace({ sandbox: hostProvider(), policy: OPEN, audit: [sink(true, 'command')] })
  await expect(strict.exec('echo x > ran')).rejects.toMatchObject({ code: 'audit.failed' })
  expect(await strict.stat('ran')).toBeUndefined()
})

test('layers of several owners combine, and a denial names the rule and its owner', async () => {
  const sandbox = hostProvider()
  const strict = { owner: 'organisation', policy: { minimumIsolation: 'container', egress: 'open' } } as const
  await expect(openWorkspace({ sandbox, policy: [{ owner: 'app', policy: OPEN }, strict] })).rejects.toMatchObject({
    code: 'policy.denied',
    effect: 'none',
    details: { rule: 'minimumIsolation', owner: 'organisation' },
  })
})

test('what is wrong is refused before anything is made', async () => {
  const events: WorkspaceEvent[] = []
  const sandbox = hostProvider()
  const common = { sandbox, policy: OPEN, onEvent: (event: WorkspaceEvent) => events.push(event) }
  const snapshots = memorySnapshots()
  const workspace = await openWorkspace({ ...common, onEvent: undefined, snapshots })
  const from = await workspace.snapshot()
  await expect(openWorkspace({ ...common, leaseMs: 10 })).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(openWorkspace({ ...common, from })).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(openWorkspace({ ...common, snapshots, from, resume: workspace.state })).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(
    openWorkspace({ ...common, policy: { ...OPEN, secrets: [{ secret: secret.env('NOT_SET_ANYWHERE') }] } }),
  ).rejects.toMatchObject({ code: 'secret.failed' })
  const twice = { secret: secret.from('A', () => 'value-of-a'), sandbox: { env: 'A', acknowledge: 'env:A' } }
  await expect(openWorkspace({ ...common, policy: { ...OPEN, secrets: [twice, twice] } })).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(
    openWorkspace({ ...common, resume: { ...workspace.state, sandbox: { ...workspace.state.sandbox, provider: 'other' } } }),
  ).rejects.toMatchObject({ code: 'config.invalid' })
  expect(events.filter(({ type }) => type === 'sandbox.ready')).toEqual([])
  await workspace.destroy()
})

test('an older driver is shut out by a newer epoch', async () => {
  const sandbox = hostProvider()
  await using first = await openWorkspace({ sandbox, policy: OPEN, epoch: 1 })
  await first.exec('true')
  const second = await openWorkspace({ sandbox, policy: OPEN, epoch: 2, resume: JSON.parse(JSON.stringify(first.state)) })
  await expect(first.exec('echo x > late')).rejects.toMatchObject({ code: 'run.fenced' })
  expect(await second.stat('late')).toBeUndefined()
  await second.release()
})

test('an error that quotes a secret is replaced, cause and all; any other stays as it is', () => {
  const known = redactor([{ name: 'KEY', value: 'value-of-the-key' }])
  const error = new RingfenceError('fs.failed', 'It said "value-of-the-key"', {
    provider: 'acme',
    hint: 'value-of-the-key',
    details: { text: 'value-of-the-key' },
    retry: 'safe',
    effect: 'none',
    cause: new TypeError('value-of-the-key'),
  })
  const shown = redactError(error, known) as RingfenceError
  expect({ ...shown.toJSON(), cause: shown.cause }).toMatchObject({
    code: 'fs.failed',
    message: 'acme: It said "[secret KEY]"',
    hint: '[secret KEY]',
    details: { text: '[secret KEY]' },
    retry: 'safe',
    effect: 'none',
    cause: undefined,
  })
  const harmless = new RingfenceError('fs.failed', 'It said nothing')
  expect(redactError(harmless, known)).toBe(harmless)
  expect(redactError('text', known)).toBe('text')
})

test('a restricted handle has the commands and files alone', async () => {
  await using workspace = await openWorkspace({ sandbox: hostProvider(), policy: OPEN })
  const handle = workspace.restricted()
  expect(Object.keys(handle).sort()).toEqual(
    [
      'attach',
      'exec',
      'hasPty',
      'list',
      'mkdir',
      'provider',
      'readFile',
      'readStream',
      'readText',
      'remove',
      'rename',
      'root',
      'spawn',
      'stat',
      'writeFile',
    ].sort(),
  )
  expect(Object.isFrozen(handle)).toBe(true)
})

test('a command that cannot be started, and one whose end is not known, are told to have ended', async () => {
  const events: WorkspaceEvent[] = []
  await using workspace = await openWorkspace({ sandbox: hostProvider(), policy: OPEN, onEvent: (event) => events.push(event) })
  await expect(workspace.exec(['no-such-program'])).rejects.toMatchObject({ code: 'exec.spawn-failed' })
  await expect(workspace.spawn('true', { cwd: 'missing' })).rejects.toMatchObject({ code: 'exec.spawn-failed' })
  const stop = new AbortController()
  const stopped = workspace.exec('echo begun; sleep 100', { signal: stop.signal })
  stop.abort(new Error('the test has enough'))
  await expect(stopped).rejects.toThrow('the test has enough')
  const ended = events.filter((event) => event.type === 'command.ended')
  expect(ended.map(({ error, exitCode }) => [error, exitCode])).toEqual([
    ['exec.spawn-failed', null],
    ['exec.spawn-failed', null],
    ['aborted', null],
  ])
  expect((await workspace.exec('exit 3')).exitCode).toBe(3)
  expect(events.at(-1)).toMatchObject({ type: 'command.ended', error: null, exitCode: 3 })
})

test('a stream that fails holds no secret either, and none begins in a closed workspace', async () => {
  const token = secret.from('TOKEN', () => 'value-of-the-token')
  const workspace = await openWorkspace({ sandbox: hostProvider(), policy: { ...OPEN, secrets: [{ secret: token }] } })
  const read = async (path: string): Promise<void> => {
    for await (const _ of workspace.readStream(path));
  }
  const error = await read('value-of-the-token').catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'fs.not-found', message: expect.stringContaining('[secret TOKEN]') })
  await workspace.destroy()
  await expect(read('a')).rejects.toMatchObject({ code: 'sandbox.closed' })
  await expect(workspace.port(80)).rejects.toMatchObject({ code: 'sandbox.closed' })
})

test('what a provider does not have is refused with what has it', async () => {
  await using workspace = await openWorkspace({ sandbox: hostProvider(), policy: OPEN })
  await expect(workspace.pause()).rejects.toMatchObject({ code: 'feature.unsupported', effect: 'none' })
  await expect(workspace.nativeSnapshot()).rejects.toMatchObject({ code: 'feature.unsupported', effect: 'none' })
  await expect(workspace.fork()).rejects.toMatchObject({ code: 'config.invalid', effect: 'none' })
})

test('secrets that were read already are not read again, show no value, and stand for themselves alone', async () => {
  let reads = 0
  const make = () =>
    secret.from('TOKEN', () => {
      reads += 1
      return 'value-of-the-token'
    })
  const token = make()
  const policy = { ...OPEN, secrets: [{ secret: token, sandbox: { env: 'TOKEN', acknowledge: 'env:TOKEN' } }] }
  const secrets = await readSecrets(policy, async () => undefined)
  expect(secrets.redactor.text('a value-of-the-token')).toBe('a [secret TOKEN]')
  expect(inspect(secrets, { depth: 9, showHidden: true }) + JSON.stringify(secrets)).not.toContain('value-of-the-token')
  const audit = sink(true)
  await using workspace = await openWorkspace({ sandbox: hostProvider(), policy, secrets, audit: [audit] })
  expect((await workspace.exec('printf %s "$TOKEN" | wc -c')).stdout.trim()).toBe('18')
  expect(reads).toBe(1)
  expect(audit.events.map(({ action }) => action)).not.toContain('secret.resolve')
  const other = { ...policy, secrets: [{ secret: make(), sandbox: { env: 'TOKEN', acknowledge: 'env:TOKEN' } }] }
  await expect(openWorkspace({ sandbox: hostProvider(), policy: other, secrets })).rejects.toMatchObject({ code: 'config.invalid' })
  await expect(openWorkspace({ sandbox: hostProvider(), policy, secrets: { redactor: secrets.redactor } })).rejects.toMatchObject({
    code: 'config.invalid',
  })
})
