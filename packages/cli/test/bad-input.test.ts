import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { modelServer, type ServerReply, serverFaults } from '@ringfence/testkit'
import { expect, test } from 'vitest'
import { modelEnv } from './brain-server.ts'
import { git, repository, runCli, temporary } from './run-cli.ts'

test('wrong arguments are refused with what to do, before anything is made', async () => {
  await using folder = await temporary()
  const env = { RINGFENCE_HOME: join(folder.path, 'home') }
  const plain = join(folder.path, 'plain')
  await mkdir(plain)
  const empty = join(folder.path, 'empty')
  await mkdir(empty)
  git(empty, 'init', '-q')
  const repo = await repository(join(folder.path, 'repo'), { a: 'x' })
  const modelled = { ...env, OPENAI_API_KEY: 'key-that-is-never-used', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
  const cases: readonly (readonly [readonly string[], Record<string, string>, number, RegExp])[] = [
    [['run', '--provider', 'nowhere'], env, 2, /npm i @ringfence\/provider-nowhere/],
    [['run', '--provider-options', '{'], env, 2, /not JSON/],
    [['run', '--provider-options', '["x"]'], env, 2, /not JSON of an object/],
    [['run', '--consent'], env, 2, /--apply/],
    [['run', '--repo', 'https://user:secret@example.invalid/x.git', '--task', 'x'], modelled, 2, /credential/],
    [['exec', '--repo', 'https://secret@example.invalid/x.git', 'true'], env, 2, /credential/],
    [['exec'], env, 2, /missing required argument/],
    [['doctor', '--provider-options', '{}'], env, 2, /--provider/],
    [['conformance', 'all', '--provider-options', '{}'], env, 2, /Name the provider/],
    [['run', '--repo', repo, '--task', 'x'], env, 2, /OPENAI_API_KEY/],
    [['run', '--repo', repo], modelled, 2, /--task/],
    [['run', '--apply'], env, 2, /--repo/],
    [['run', '--repo', 'https://example.invalid/x.git', '--task', 'x', '--apply'], modelled, 2, /URL/],
    [['run', '--max-turns', 'many'], env, 2, /whole number/],
    [['run', '--no-such-option'], env, 2, /unknown option/],
    [['fly'], env, 2, /unknown command/],
    [['approve', 'run_unknown'], env, 2, /run_unknown/],
    [['approve', '../up'], env, 2, /not the id/],
    [['shell'], env, 2, /terminal/],
    [['exec', '--provider', join(folder.path, 'plain'), 'true'], env, 2, /no package.json/],
    [['run', '--json', '--no-such-option'], env, 2, /^\{"type":"error","code":"config.invalid","message":"unknown option .*--help"\}$/m],
    [['run'], { RINGFENCE_HOME: join(repo, 'a', 'b') }, 2, /RINGFENCE_HOME/],
  ]
  for (const [args, given, code, text] of cases) {
    const result = await runCli(args, { env: given })
    expect([args.join(' '), result.code, text.test(result.stdout + result.stderr)], result.stdout + result.stderr).toEqual([
      args.join(' '),
      code,
      true,
    ])
    expect(result.stdout + result.stderr).not.toMatch(/internal.invariant|secret@|:secret/)
  }
  expect(existsSync(join(folder.path, 'home'))).toBe(false)
}, 300_000)

test('what cannot be parsed of the options of a provider is not repeated', async () => {
  for (const text of ['{"apiKey": "sk-planted"', '"sk-planted"', 'sk-planted']) {
    const { code, stdout, stderr } = await runCli(['exec', '--provider-options', text, 'true'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/not JSON of an object/)
    expect(stderr).not.toContain('sk-planted')
  }
})

test('a repository that is not git, or is empty, is refused plainly', async () => {
  await using folder = await temporary()
  const env = { RINGFENCE_HOME: join(folder.path, 'home'), OPENAI_API_KEY: 'key-that-is-never-used' }
  await using server = await modelServer({ respond: () => ({ toolCalls: [{ name: 'exec_command', arguments: { cmd: 'true' } }] }) })
  for (const name of ['plain', 'empty', 'missing']) {
    const repo = join(folder.path, name)
    if (name !== 'missing') await mkdir(repo)
    if (name === 'empty') git(repo, 'init', '-q')
    const { code, stdout, stderr } = await runCli(['run', '--repo', repo, '--task', 'x', '--model', 'm'], {
      env: { ...env, ...modelEnv(server) },
    })
    expect([name, code === 0, /git|source/.test(stderr)], stdout + stderr).toEqual([name, false, true])
    expect(server.requests).toHaveLength(0)
  }
})

test.each<[string, ServerReply | undefined, RegExp]>([
  ['a dead base URL', undefined, /model.failed[\s\S]*(URL|reach)/],
  ['a wrong key', serverFaults.unauthorized(), /auth.denied/],
  ['HTML instead of JSON', serverFaults.html(), /model.invalid-response/],
  ['an answer that is cut', serverFaults.ended(3, { text: 'a long answer that is cut in its middle' }), /model.interrupted/],
])('%s is a clear error', async (_, reply, text) => {
  await using home = await temporary()
  await using server = await modelServer({ respond: () => reply ?? {} })
  const env = { RINGFENCE_HOME: home.path, ...modelEnv(server) }
  if (!reply) await server.close()
  const { code, stderr, stdout } = await runCli(['run', '--model', 'm'], { env })
  expect(code, stdout).toBe(1)
  expect(stderr).toMatch(text)
  expect(stdout + stderr).not.toContain('key-of-the-test')
})

test('a model that calls what is not there, or calls it wrongly, is told, and can go on', async () => {
  await using home = await temporary()
  const results: string[] = []
  await using server = await modelServer({
    respond({ input }, turn) {
      const last = input.at(-1)
      if (last?.type === 'tool_result') results.push(String(last.output))
      const replies: readonly ServerReply[] = [
        { toolCalls: [{ name: 'no_such_tool', arguments: {} }] },
        { toolCalls: [{ name: 'exec_command', arguments: '{"cmd": ' }] },
        { toolCalls: [{ name: 'exec_command', arguments: { command: 'ls' } }] },
        {
          toolCalls: [
            { name: 'exec_command', callId: 'same', arguments: { cmd: 'echo once' } },
            { name: 'exec_command', callId: 'same', arguments: { cmd: 'echo twice' } },
          ],
        },
        { toolCalls: [{ name: 'exec_command', arguments: { cmd: 'yes', yield_time_ms: 1000 } }] },
        { toolCalls: [{ name: 'exec_command', arguments: { cmd: 'sleep 600', yield_time_ms: 500 } }] },
        {
          toolCalls: [
            {
              name: 'apply_patch',
              kind: 'custom',
              arguments: '*** Begin Patch\n*** Update File: ../../etc/passwd\n@@\n-x\n+y\n*** End Patch',
            },
          ],
        },
        { text: 'I am done.' },
      ]
      return replies[turn] ?? { text: 'end' }
    },
  })
  const { code, stdout, stderr } = await runCli(['run', '--model', 'm', '--json'], {
    env: { RINGFENCE_HOME: home.path, ...modelEnv(server) },
  })
  expect(stderr).toBe('')
  expect(code, stdout).toBe(1)
  expect(stdout).toContain('I am done.')
  expect(results[0]).toMatch(/no_such_tool/)
  expect(results[1]).toMatch(/JSON/)
  expect(results[2]).toMatch(/cmd/)
  expect(results.join('\n')).toMatch(/Process running with session ID/)
})

test('a journal of another version, and one that is damaged, are told apart; nothing is overwritten', async () => {
  await using home = await temporary()
  const env = { RINGFENCE_HOME: home.path }
  const { events } = await runCli(['run', '--ask', '--json'], { env })
  const runId = String(events.at(-1)?.runId)
  const { readdir, readFile } = await import('node:fs/promises')
  const folder = join(home.path, 'journals')
  const journal = (await readdir(folder, { recursive: true })).find((name) => name.includes(runId) && name.endsWith('.jsonl'))
  const path = join(folder, journal ?? 'missing')
  const original = await readFile(path, 'utf8')
  const lines = original.trimEnd().split('\n')
  await writeFile(path, `${[...lines.slice(0, -1), lines.at(-1)?.replace('"v":1', '"v":99')].join('\n')}\n`)
  const newer = await runCli(['approve', runId], { env })
  expect(newer.code, newer.stderr).not.toBe(0)
  expect(newer.stderr).toMatch(/journal.unsupported|journal.corrupt/)
  await writeFile(path, original.replace('"agent', '"agemt'))
  const damaged = await runCli(['approve', runId], { env })
  expect(damaged.stderr).toMatch(/journal.corrupt/)
})

test('help teaches, and NO_COLOR, --json and pipes are honoured', async () => {
  const help = await runCli(['--help'])
  expect(help.code).toBe(0)
  expect(help.stdout).toContain('Examples:')
  const coloured = await runCli(['doctor'], { env: { FORCE_COLOR: '1' } })
  expect(coloured.stdout).toContain('\u001b[')
  const plain = await runCli(['doctor'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })
  expect(plain.stdout).not.toContain('\u001b[')
  expect(plain.code, plain.stdout).toBe(0)
  const json = await runCli(['providers', '--json'])
  expect(json.events.some(({ type, id }) => type === 'provider' && id === 'local')).toBe(true)
})
